/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU is found where PATH leads, unless it would need libraries, and named to the kernel in
 * the kernel's own words.
 */
#include "lambda/local/emulation.h"

#include <elf.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

/* The beginning of a program, with one segment. */
static void write_program(const char *folder, const char *name, unsigned int segment, int mode)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segment;
    } program = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64},
                   .e_phnum = 1,
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phoff = sizeof(Elf64_Ehdr)},
        .segment = {.p_type = segment},
    };
    struct error err;
    owned(memory) char *path = text_format("%s/%s", folder, name);

    assert_ok(file_write(path, (mode_t)mode, &program, sizeof program, &err));
}

static void a_static_program_is_found_in_order(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *second = text_format("%s/second", folder);
    owned(memory) char *search = text_format("relative::/missing:%s:%s", folder, second);
    owned(memory) char *text = text_format("%s/qemu-x86_64-static", folder);
    owned(memory) char *expected = text_format("%s/qemu-aarch64", second);
    assert_ok(folder_make(second, &err));
    assert_ok(file_write(text, 0755, "#!/bin/sh\n", 10, &err));

    write_program(folder, "qemu-aarch64-static", PT_INTERP, 0755); /* it is not */
    write_program(second, "qemu-aarch64", PT_LOAD, 0755);
    owned(memory) char *found = emulation_find("arm64", search);
    assert_string_equal(found, expected);

    write_program(folder, "qemu-aarch64", PT_LOAD, 0644); /* cannot be run */
    owned(memory) char *still = emulation_find("arm64", search);
    assert_string_equal(still, expected);

    write_program(folder, "qemu-aarch64-static", PT_LOAD, 0755);
    owned(memory) char *first = emulation_find("arm64", search);
    assert_non_null(strstr(first, "/qemu-aarch64-static"));
    assert_int_equal(strncmp(first, folder, strlen(folder)), 0);

    owned(memory) char *other = emulation_find("amd64", search); /* at most the system's own */
    assert_true(!other || strcmp(other, text) != 0);
    assert_null(emulation_find("s390x", search));
    temp_folder_remove(folder);
}

static void the_line_names_the_machine_and_the_program(void **state)
{
    (void)state;
    owned(memory) char *arm64 = emulation_line("arm64", "/usr/bin/qemu");
    owned(memory) char *amd64 = emulation_line("amd64", "/usr/bin/qemu");
    owned(memory) char *far = text_format("/%0200d", 0);

    assert_int_equal(strncmp(arm64, ":skiff:M::\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01", 38), 0);
    assert_non_null(strstr(arm64, "\\x02\\x00\\xb7\\x00:\\xff"));
    assert_non_null(strstr(amd64, "\\x02\\x00\\x3e\\x00:\\xff"));
    assert_non_null(strstr(arm64, "\\xff:/usr/bin/qemu:OPF"));
    assert_null(emulation_line("riscv64", "/usr/bin/qemu"));
    assert_null(emulation_line("arm64", "/a:b/qemu"));
    assert_null(emulation_line("arm64", "/a\\x20b/qemu"));
    assert_null(emulation_line("arm64", far));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_static_program_is_found_in_order),
        cmocka_unit_test(the_line_names_the_machine_and_the_program),
    };
    return cmocka_run_group_tests_name("emulation", tests, NULL, NULL);
}
