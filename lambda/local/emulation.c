/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/emulation.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { PATH_MOST = 127 }; /* bytes that the kernel keeps of it */

static const struct machine {
    const char *architecture, *name;
    unsigned int number; /* in ELF headers */
} MACHINES[] = {{"amd64", "x86_64", EM_X86_64}, {"arm64", "aarch64", EM_AARCH64}};

static const struct machine *find_machine(const char *architecture)
{
    for (size_t i = 0; i < sizeof MACHINES / sizeof *MACHINES; i++)
        if (strcmp(MACHINES[i].architecture, architecture) == 0)
            return &MACHINES[i];
    return NULL;
}

static bool has_interpreter(FILE *file, const Elf64_Ehdr *header)
{
    Elf64_Phdr segment;

    for (unsigned int i = 0; i < header->e_phnum; i++) {
        long at = (long)(header->e_phoff + (Elf64_Off)i * sizeof segment);
        if (fseek(file, at, SEEK_SET) != 0 || fread(&segment, sizeof segment, 1, file) != 1 ||
            segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* One that is not would look for its libraries among the image's files. */
static bool is_static_program(const char *path)
{
    Elf64_Ehdr header;
    struct stat status;
    FILE *file = stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0
                     ? fopen(path, "re")
                     : NULL;
    if (!file)
        return false;
    bool is_static = fread(&header, sizeof header, 1, file) == 1 &&
                     memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
                     header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_phnum > 0 &&
                     header.e_phentsize == sizeof(Elf64_Phdr) &&
                     !has_interpreter(file, &header);
    fclose(file);
    return is_static;
}

static char *find_in(const char *folder, size_t length, const char *name)
{
    static const char *const endings[] = {"-static", ""};

    for (size_t i = 0; folder[0] == '/' && i < sizeof endings / sizeof *endings; i++) {
        owned(memory) char *path =
            text_format("%.*s/qemu-%s%s", (int)length, folder, name, endings[i]);
        if (is_static_program(path))
            return take(&path);
    }
    return NULL;
}

char *emulation_find(const char *architecture, const char *search)
{
    static const char usual[] = "/usr/bin";
    const struct machine *machine = find_machine(architecture);

    if (!machine)
        return NULL;
    for (const char *folder = search; folder;) {
        size_t length = strcspn(folder, ":");
        char *found = find_in(folder, length, machine->name);
        if (found)
            return found;
        folder = folder[length] ? folder + length + 1 : NULL;
    }
    return find_in(usual, strlen(usual), machine->name);
}

char *emulation_line(const char *architecture, const char *program)
{
    const struct machine *machine = find_machine(architecture);

    if (!machine || strlen(program) > PATH_MOST || strchr(program, ':') ||
        strchr(program, '\\'))
        return NULL;
    /* 64 bits, little-endian, any ABI; executable, as it is or at any address. O, P and F: the
     * program is handed over open, its name is kept, and QEMU is opened now, while it is seen.
     */
    return text_format(":skiff:M::"
                       "\\x7f\\x45\\x4c\\x46\\x02\\x01\\x01\\x00"
                       "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x%02x\\x00:"
                       "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00"
                       "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:%s:OPF",
                       machine->number, program);
}
