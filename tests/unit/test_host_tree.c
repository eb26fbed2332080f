/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host folders: every kind of file comes out as Lambda wants it or is refused by its path.
 */
#include "layers/host_tree.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

struct place {
    char *folder;
    struct tree *tree;
};

static void place_init(struct place *place)
{
    *place = (struct place){temp_folder(), tree_new()};
}

static void place_cleanup(struct place *place)
{
    tree_free(place->tree);
    temp_folder_remove(place->folder);
}

static char *below(const struct place *place, const char *name)
{
    return text_format("%s/%s", place->folder, name);
}

static void put(const struct place *place, const char *name, mode_t mode, const char *text)
{
    struct error err;
    owned(memory) char *path = below(place, name);
    owned(memory) char *folder = text_format("%.*s", (int)(strrchr(path, '/') - path), path);

    assert_ok(folder_make(folder, &err));
    assert_ok(file_write(path, mode, text, strlen(text), &err));
}

/* The entries as "path mode[ -> target]" lines. */
static char *listing(const struct place *place)
{
    struct text out = {0};

    for (size_t i = 0; i < tree_entry_count(place->tree); i++) {
        struct tree_entry entry = tree_entry(place->tree, i);
        text_addf(&out, "%s%s %03o%s%s\n", entry.path, entry.kind == TREE_FOLDER ? "/" : "",
                  entry.mode, entry.target ? " -> " : "", entry.target ? entry.target : "");
    }
    return text_take(&out);
}

static void assert_added(struct place *place, const char *path, unsigned int mode,
                         const char *expected)
{
    struct error err;

    assert_ok(host_tree_add(place->tree, place->folder, path, mode, &err));
    owned(memory) char *text = listing(place);
    assert_string_equal(text, expected);
}

static void modes_become_plain_and_links_stay(void **state)
{
    (void)state;
    owned(place) struct place place;
    place_init(&place);
    owned(memory) char *link = below(&place, "in/link");
    owned(memory) char *dangling = below(&place, "dangling");
    owned(memory) char *empty = below(&place, "empty");

    put(&place, "in/program", 0700, "x");
    put(&place, "in/secret", 0400, "x");
    put(&place, "groups", 0674, "x");
    assert_int_equal(symlink("../groups", link), 0);
    assert_int_equal(symlink("/nowhere/at all", dangling), 0);
    assert_int_equal(mkdir(empty, 01777), 0);
    assert_added(&place, "opt/x", 0,
                 "opt/ 755\nopt/x/ 755\nopt/x/dangling 777 -> /nowhere/at all\n"
                 "opt/x/empty/ 755\nopt/x/groups 755\nopt/x/in/ 755\n"
                 "opt/x/in/link 777 -> ../groups\nopt/x/in/program 755\nopt/x/in/secret 644\n");
}

static void a_mode_is_for_the_files(void **state)
{
    (void)state;
    owned(place) struct place place;
    place_init(&place);

    put(&place, "in/program", 0755, "x");
    put(&place, "data", 0600, "x");
    assert_added(&place, "", 0444, "data 444\nin/ 755\nin/program 444\n");
}

static void a_file_goes_where_it_is_told(void **state)
{
    (void)state;
    struct error err;
    owned(place) struct place place;
    place_init(&place);
    owned(memory) char *file = below(&place, "file");

    put(&place, "file", 0600, "x");
    assert_ok(host_tree_add(place.tree, file, "etc/other", 0, &err));
    owned(memory) char *text = listing(&place);
    assert_string_equal(text, "etc/ 755\netc/other 644\n");
}

static void a_file_with_two_names_is_written_twice(void **state)
{
    (void)state;
    owned(place) struct place place;
    place_init(&place);
    owned(memory) char *one = below(&place, "one");
    owned(memory) char *two = below(&place, "two");

    put(&place, "one", 0600, "content");
    assert_int_equal(link(one, two), 0);
    assert_added(&place, "", 0, "one 644\ntwo 644\n");
    assert_int_equal(tree_entry(place.tree, 1).size, 7);
    struct tree_entry second = tree_entry(place.tree, 1);
    owned(memory) char *host_path = tree_entry_host_path(&second);
    assert_string_equal(host_path, two);
}

static void what_an_image_cannot_have_is_named(void **state)
{
    (void)state;
    struct error err;
    owned(place) struct place place;
    place_init(&place);
    owned(memory) char *fifo = below(&place, "in/pipe");
    owned(memory) char *socket_path = below(&place, "socket");
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    put(&place, "in/file", 0600, "x");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_fails(host_tree_add(place.tree, place.folder, "", 0, &err), ERROR_INVALID,
                 "/in/pipe' is a pipe, which an image cannot have");
    assert_fails(host_tree_add(place.tree, fifo, "x", 0, &err), ERROR_INVALID, "is a pipe");
    assert_int_equal(unlink(fifo), 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    tree_free(place.tree);
    place.tree = tree_new();
    assert_fails(host_tree_add(place.tree, place.folder, "", 0, &err), ERROR_INVALID,
                 "/socket' is a socket");
    close(fd);

    assert_fails(host_tree_add(place.tree, "/dev/null", "x", 0, &err), ERROR_INVALID,
                 "'/dev/null' is a character device");
    assert_fails(host_tree_add(place.tree, "/nowhere/here", "x", 0, &err), ERROR_NOT_FOUND,
                 "open '/nowhere/here'");
}

static void what_dockerignore_names_is_left_out(void **state)
{
    (void)state;
    owned(place) struct place place;
    place_init(&place);
    owned(memory) char *fifo = below(&place, "run");

    put(&place, ".dockerignore", 0600, "# no\n.dockerignore\n**/*.o\nbuild\nrun\n");
    put(&place, "a.c", 0600, "x");
    put(&place, "a.o", 0600, "x");
    put(&place, "deep/b.o", 0600, "x");
    put(&place, "deep/b.c", 0600, "x");
    put(&place, "build/x", 0600, "x");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_added(&place, "", 0, "a.c 644\ndeep/ 755\ndeep/b.c 644\n");
}

static void an_exception_brings_back_what_is_inside(void **state)
{
    (void)state;
    owned(place) struct place place;
    place_init(&place);

    put(&place, ".dockerignore", 0600, "*\n!docs/kept\n");
    put(&place, "docs/kept", 0600, "x");
    put(&place, "docs/lost", 0600, "x");
    put(&place, "lost/too", 0600, "x");
    assert_added(&place, "", 0, "docs/ 755\ndocs/kept 644\n");
}

static void a_broken_dockerignore_is_named_with_its_line(void **state)
{
    (void)state;
    struct error err;
    owned(place) struct place place;
    place_init(&place);

    put(&place, ".dockerignore", 0600, "fine\n[\n");
    assert_fails(host_tree_add(place.tree, place.folder, "", 0, &err), ERROR_INVALID,
                 "/.dockerignore: line 2: '['");
}

static void folders_have_a_depth(void **state)
{
    (void)state;
    struct error err;
    owned(place) struct place place;
    place_init(&place);
    owned(text) struct text deep = {0};

    text_add(&deep, place.folder);
    for (int i = 0; i <= HOST_TREE_DEPTH; i++)
        text_add(&deep, "/d");
    assert_ok(folder_make(text_string(&deep), &err));
    assert_fails(host_tree_add(place.tree, place.folder, "", 0, &err), ERROR_LIMIT,
                 "is deeper than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_become_plain_and_links_stay),
        cmocka_unit_test(a_mode_is_for_the_files),
        cmocka_unit_test(a_file_goes_where_it_is_told),
        cmocka_unit_test(a_file_with_two_names_is_written_twice),
        cmocka_unit_test(what_an_image_cannot_have_is_named),
        cmocka_unit_test(what_dockerignore_names_is_left_out),
        cmocka_unit_test(an_exception_brings_back_what_is_inside),
        cmocka_unit_test(a_broken_dockerignore_is_named_with_its_line),
        cmocka_unit_test(folders_have_a_depth),
    };
    return cmocka_run_group_tests_name("host_tree", tests, NULL, NULL);
}
