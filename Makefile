# One Makefile, no configure step. `make help` lists what there is.

VERSION   := 0.1.0
ROOMS     := oci/base oci layers registry lambda lambda/signer lambda/aws lambda/local cli
LIBS      := libarchive openssl libcurl jansson libzstd yaml-0.1
BUILD     ?= build
PREFIX    ?= /usr/local

CC        ?= cc
CFLAGS    ?= -O2 -g
WARNINGS  := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
             -Wmissing-prototypes -Wwrite-strings -Wvla $(WERROR)
DEFINES   := -I. -D_GNU_SOURCE -DSKIFF_VERSION='"$(VERSION)"'
CPPFLAGS  += $(DEFINES) $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LDLIBS    += $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lpthread

# What gzip is made with: the same sources for every build, of this program or a static one.
LIBDEFLATE ?= build/libdeflate
CPPFLAGS  += -I$(LIBDEFLATE)

# Several at a time, unless whoever calls make has said how many.
JOBS       = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# Quiet, but for V=1.
Q         := $(if $(V),,@)
COMPILE    = $(CC) -std=gnu17 $(WARNINGS) $(CPPFLAGS) $(CFLAGS)

SOURCES   := $(sort $(wildcard $(ROOMS:%=%/*.c)))
SUPPORT   := $(wildcard tests/support/*.c)
UNITS     := $(patsubst tests/unit/%.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
HEADERS   := $(wildcard $(ROOMS:%=%/*.h) lambda/supervisor/*.h tests/support/*.h tests/fuzz/*.h)
OBJECTS   := $(SOURCES:%.c=$(BUILD)/%.o)
# What the supervisor is made of, which is tested and fuzzed outside of it, too.
SUPERVISED := $(filter-out %/main.c,$(wildcard lambda/supervisor/*.c))
# Everything but main(), for tests to link with.
PARTS     := $(filter-out $(BUILD)/cli/main.o,$(OBJECTS)) \
             $(SUPERVISED:%.c=$(BUILD)/%.o) $(SUPPORT:%.c=$(BUILD)/%.o)

all: $(BUILD)/skiff ## build the program, build/skiff (the default)

$(BUILD)/skiff: $(OBJECTS) $(LIBDEFLATE)/libdeflate.a
	@echo '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  cc    $<'
	$(Q)$(COMPILE) -MMD -MP -c $< -o $@

# Shared by every BUILD, as the supervisors are, but for the static ones.
$(LIBDEFLATE)/libdeflate.a: $(wildcard layers/libdeflate/*) static/libraries
	CC='$(CC)' AR='$(AR)' layers/libdeflate/build.sh $(@D)

$(BUILD)/layers/gzip.o: $(LIBDEFLATE)/libdeflate.a

# --- the supervisors: static programs for both architectures, linked with musl ----------------

# Shared by every BUILD: sanitizers are for skiff, not for what runs in a function.
ARCHITECTURES    := amd64 arm64
SUPERVISORS      := $(ARCHITECTURES:%=build/supervisor/%/supervisor)
SUPERVISOR_C     := $(sort $(wildcard lambda/supervisor/*.c lambda/signer/*.c)) \
                    $(addprefix oci/base/,environment.c error.c file.c hash.c json.c memory.c \
                        printable.c stream.c text.c yaml.c)
SUPERVISOR_FLAGS := -Os -ffunction-sections -fdata-sections -Wl,--gc-sections -static -s \
                    -fno-asynchronous-unwind-tables -fno-unwind-tables -Wl,--build-id=none

supervisors: $(SUPERVISORS)

# A small one for the supervisors, and a larger one for skiff itself.
SMALL_SYSROOTS := $(ARCHITECTURES:%=build/sysroot/supervisor/%/complete)
LARGE_SYSROOTS := $(ARCHITECTURES:%=build/sysroot/skiff/%/complete)

$(SMALL_SYSROOTS): build/sysroot/supervisor/%/complete: static/sysroot.sh static/libraries
	static/sysroot.sh $* $(@D)

$(LARGE_SYSROOTS): build/sysroot/skiff/%/complete: build/sysroot/supervisor/%/complete
	static/sysroot.sh $* $(@D) $(<D)

# Both architectures at once: much of the work is configure scripts, which use one processor.
build/sysroot/supervisor/complete build/sysroot/skiff/complete: build/sysroot/%/complete: \
    static/sysroot.sh static/libraries
	@$(MAKE) --no-print-directory $(JOBS) $(ARCHITECTURES:%=build/sysroot/$*/%/complete)
	@touch $@

build/supervisor/%/supervisor: build/sysroot/supervisor/complete $(SUPERVISOR_C) \
                               lambda/supervisor/amazon_roots.pem \
                               $(wildcard lambda/supervisor/*.h lambda/signer/*.h oci/base/*.h)
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(Q)build/sysroot/supervisor/$*/bin/musl-gcc -std=gnu17 $(WARNINGS) $(DEFINES) $(SUPERVISOR_FLAGS) \
	    $(SUPERVISOR_C) -lcurl -lssl -lcrypto -ljansson \
	    -lyaml -lpthread -o $@.new
	@if readelf -lW $@.new | grep -q INTERP; then \
	    echo "$@: has an interpreter, so it is not static" >&2; exit 1; fi
	@mv $@.new $@

# The layers they are in, made by a program for the machine that builds. Compiler, libraries and
# the flags of whoever builds do not show in them: the tar is written here, the compressor pinned.
LAYERS       := $(ARCHITECTURES:%=build/supervisor/%/layer)
LAYER_C      := static/make_layer.c $(addprefix layers/,compression.c gzip.c layer_writer.c tar.c tree.c) \
                $(sort $(wildcard oci/*.c oci/base/*.c))

build/supervisor/make_layer: $(LAYER_C) $(wildcard layers/*.h oci/*.h oci/base/*.h) \
                             build/libdeflate/libdeflate.a
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(Q)$(CC) -std=gnu17 $(WARNINGS) $(CPPFLAGS) -UNDEBUG -O2 $(LAYER_C) build/libdeflate/libdeflate.a \
	    $(LDLIBS) -o $@.new
	@mv $@.new $@

build/supervisor/%/layer: build/supervisor/%/supervisor build/supervisor/make_layer
	@rm -rf $@.work
	@build/supervisor/make_layer $< $@.work >$@.new
	@rm -rf $@.work && mv $@.new $@

# The linker puts them into skiff.
$(BUILD)/lambda/supervisor_program.o: $(LAYERS)

# --- static: skiff itself as one file that runs on every Linux -----------------------------------

STATIC_MAKE = CPPFLAGS= $(MAKE) --no-print-directory BUILD=build/static/$(1) LIBS= \
    LIBDEFLATE=build/static/$(1)/libdeflate CC=$(CURDIR)/build/sysroot/skiff/$(1)/bin/musl-gcc AR=ar \
    CFLAGS='-O2 -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables' \
    LDFLAGS='-s -Wl,--gc-sections -Wl,--build-id=none' \
    LDLIBS='-larchive -lzstd -lz -lyaml -ljansson -lcurl -lnghttp2 -lssl -lcrypto -lpthread'

static: $(ARCHITECTURES:%=static-%) ## build skiff for every Linux, build/static/{amd64,arm64}/skiff

# What there is to do, a make of its own finds out.
static-%: $(LAYERS) build/sysroot/skiff/complete
	+@$(call STATIC_MAKE,$*) build/static/$*/skiff
	@if readelf -lW build/static/$*/skiff | grep -q INTERP; then \
	    echo "build/static/$*/skiff: has an interpreter, so it is not static" >&2; exit 1; fi

RELEASED := $(ARCHITECTURES:%=build/release/skiff-$(VERSION)-linux-%)

release: static ## put both static programs, their sums and what is in them into build/release
	@rm -rf build/release && mkdir -p build/release
	@for architecture in $(ARCHITECTURES); do \
	    install -m 755 build/static/$$architecture/skiff \
	        build/release/skiff-$(VERSION)-linux-$$architecture || exit 1; done
	@python3 static/sbom.py $(VERSION) x86_64-linux-gnu-gcc $(RELEASED) \
	    >build/release/skiff-$(VERSION).spdx.json
	@cd build/release && LC_ALL=C sha256sum skiff-* >SHA256SUMS && cat SHA256SUMS

# --- tests -------------------------------------------------------------------------------------

# The Makefile says what belongs in.
$(BUILD)/parts.a: $(PARTS) Makefile
	$(Q)rm -f $@ && $(AR) rcs $@ $(PARTS)

$(BUILD)/test_%: $(BUILD)/tests/unit/test_%.o $(BUILD)/parts.a $(LIBDEFLATE)/libdeflate.a
	@echo '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -lcmocka -o $@

# Deps first and in a make of its own: what pkg-config knows is asked when a Makefile is read.
check: ## run all tests: unit, end to end, lint
	@tests/support/deps.sh check
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(MAKE) --no-print-directory $(JOBS) units fuzzers static
	@python3 tests/check.py --build $(BUILD)

units: $(UNITS)

asan: ## run all tests with the address and undefined-behaviour sanitizers
	@tests/support/deps.sh check
	@$(MAKE) --no-print-directory $(JOBS) static
	@$(MAKE) --no-print-directory $(JOBS) all units BUILD=build-asan \
	    CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
	@SKIFF=$(CURDIR)/build-asan/skiff python3 tests/check.py --build build-asan

# Parsers of bytes from outside, and what they are made of.
FUZZED  := $(wildcard oci/base/*.c oci/*.c lambda/definition*.c) \
           lambda/local/http_event.c lambda/local/http_request.c layers/ignore.c layers/inode_set.c \
           layers/unpack.c \
           $(addprefix layers/,archive_refusal.c tar_file.c decompress.c docker_archive.c oci_archive.c) \
           registry/challenge.c registry/credential_helper.c registry/login_file.c \
           registry/registry_login.c lambda/aws/profile.c tests/fuzz/fuzz.c tests/support/raw_tar.c \
           $(SUPERVISED) $(wildcard lambda/signer/*.c)

$(BUILD)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZED:%.c=$(BUILD)/%.o)
	@echo '  link  $@'
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

fuzzers:
	@! tests/fuzz/available.sh || $(MAKE) -s BUILD=build-fuzz CC=clang \
	    CFLAGS='-O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all' \
	    $(patsubst tests/fuzz/%.c,build-fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz: fuzzers ## run each fuzz target for FUZZ_SECONDS (60)
	@python3 tests/check.py --only fuzz --fuzz-seconds $(or $(FUZZ_SECONDS),60)

bench: ## compare with others' tools on this machine; see tests/bench/bench.py
	@tests/support/deps.sh check
	@$(MAKE) --no-print-directory $(JOBS) static
	@python3 -m tests.bench.bench

demo: ## build skiff, make a function on this machine and run it
	@tests/support/deps.sh build
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/support/demo.sh

deps: ## install what building and testing need
	@tests/support/deps.sh check

floors: ## check that no room includes a room above it
	@tests/floors.sh $(filter-out tests/%,$(HEADERS)) $(SOURCES) $(wildcard lambda/supervisor/*.c)

doors: ## check that each library is included in one place
	@tests/doors.sh $(SOURCES) $(wildcard lambda/supervisor/*.c)

headers: ## check that every header compiles on its own
	@for header in $(HEADERS); do \
	    $(COMPILE) -fsyntax-only -x c -include $$header /dev/null || exit 1; done

C_FILES = $(shell git ls-files '*.[ch]')

# Each release lays out a few things differently; this is the one the code is kept in.
CLANG_FORMAT := 14

formatted: ## check the layout of the code
	@if clang-format --version | grep -q 'version $(CLANG_FORMAT)\.'; then \
	    clang-format --dry-run -Werror $(C_FILES); \
	else echo "skipped: clang-format is not version $(CLANG_FORMAT)"; fi

format: ## lay out the code the house way
	@clang-format -i $(C_FILES)

lint: floors doors headers formatted ## everything that can be checked without running

install: all ## copy the program to PREFIX/bin (default /usr/local)
	install -D -m 755 $(BUILD)/skiff $(DESTDIR)$(PREFIX)/bin/skiff

clean: ## remove what was built
	rm -rf build build-asan build-fuzz

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: all supervisors static release units check asan fuzzers fuzz bench demo deps floors doors headers formatted format lint \
        install clean help
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
