/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rebasing: the function's layers go onto another base untouched, and what the
 * image says around them is what the recipe would have said.
 */
#include "lambda/rebase.h"

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/faulty_store.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static const char OLD_RUN[] = "{\"Env\":[\"PATH=/old\",\"OLD=1\"],\"Cmd\":[\"/bin/old\"],"
                              "\"WorkingDir\":\"/srv\"}";
static const char NEW_RUN[] = "{\"Env\":[\"PATH=/new\",\"NEW=1\",\"GREETING=base\"],"
                              "\"Entrypoint\":[\"/bin/new\"],\"Cmd\":[\"-v\"]}";

/* A function's image in one layout, bases in another. */
struct dock {
    char *folder;
    struct layout *functions, *bases, *workspace;
    struct definition_file file;
    struct recipe recipe;
    char *supervisor;
};

static struct layout *open_layout(const struct dock *dock, const char *name)
{
    struct error err;
    struct layout *layout = NULL;
    owned(memory) char *path = text_format("%s/%s", dock->folder, name);

    assert_ok(layout_open(path, true, &layout, &err));
    return layout;
}

static void put_base(const struct dock *dock, const char *tag, const char *platform,
                     const char *run)
{
    struct document base = sample_image(dock->bases, tag, platform, run);

    document_release(&base);
}

static void dock_init(struct dock *dock)
{
    static const char *const environment[] = {"GREETING=hello", NULL};
    struct error err;

    *dock = (struct dock){.folder = temp_folder()};
    dock->functions = open_layout(dock, "functions");
    dock->bases = open_layout(dock, "bases");
    dock->workspace = open_layout(dock, "workspace");
    put_base(dock, "old", "linux/amd64", OLD_RUN);
    put_base(dock, "new", "linux/amd64", NEW_RUN);

    owned(memory) char *models = text_format("%s/models", dock->folder);
    owned(memory) char *copy = text_format("%s:/opt", models);
    const char *const copies[] = {copy, NULL};
    assert_ok(folder_make(models, &err));
    const struct definition_options options = {
        .image = "example.org/old", .name = "f", .environment = environment, .copies = copies};
    assert_ok(definition_file_read(NULL, &options, &progress_none, &dock->file, &err));
    dock->supervisor = text_format("%s/stand-in", dock->folder);
    assert_ok(file_write(dock->supervisor, 0755, "stand-in", 8, &err));
    dock->recipe = (struct recipe){.definition = &dock->file.functions[0],
                                   .base_name = "example.org/old:1",
                                   .supervisor_path = dock->supervisor,
                                   .created = 5};
}

static void dock_cleanup(struct dock *dock)
{
    definition_file_release(&dock->file);
    layout_free(dock->functions);
    layout_free(dock->bases);
    layout_free(dock->workspace);
    free(dock->supervisor);
    temp_folder_remove(dock->folder);
}

/* Makes the function on the base `tag`, in `layout`, and tags it "f" there. */
static struct digest make_function(const struct dock *dock, struct layout *layout,
                                   const char *tag, const char *platforms)
{
    struct error err;
    struct platform_spec list[PLATFORMS_LIMIT];
    size_t count;
    owned(assembly) struct assembly made = {0};

    assert_ok(platform_spec_parse_list(platforms, list, &count, &err));
    const struct assembly_plan plan = {
        .recipe = &dock->recipe,
        .base = layout_store(dock->bases),
        .base_image = tag,
        .platforms = list,
        .platform_count = count,
        .workspace = layout,
    };
    assert_ok(assembly_make(&plan, &made, &err));
    const struct document *top =
        made.index.bytes ? &made.index : image_document(made.images[0]);
    assert_ok(store_put_manifest(layout_store(layout), "f", top, &err));
    return top->descriptor.digest;
}

static struct rebase rebase_of(const struct dock *dock, const char *base)
{
    return (struct rebase){
        .from = layout_store(dock->functions),
        .from_name = "f",
        .base = layout_store(dock->bases),
        .base_image = base,
        .base_name = "example.org/new:2",
        .created = 5,
    };
}

static void a_rebased_image_is_the_one_built_on_the_new_base(void **state)
{
    (void)state;
    static const enum image_format formats[] = {IMAGE_FORMAT_OCI, IMAGE_FORMAT_DOCKER};
    static const enum layer_compression compressions[] = {LAYER_ZSTD, LAYER_GZIP};

    for (size_t i = 0; i < COUNT(formats); i++) {
        struct error err;
        owned(dock) struct dock dock;
        owned(assembly) struct assembly made = {0};
        dock_init(&dock);
        dock.recipe.format = formats[i];
        dock.recipe.compression = compressions[i];
        make_function(&dock, dock.functions, "old", "linux/amd64");

        const struct rebase rebase = rebase_of(&dock, "new");
        assert_ok(rebase_make(&rebase, dock.workspace, &made, &err));
        dock.recipe.base_name = "example.org/new:2";
        struct digest expected = make_function(&dock, dock.workspace, "new", "linux/amd64");
        assert_int_equal(made.image_count, 1);
        assert_int_equal(image_layer_count(made.images[0]), 4);
        assert_true(digest_equal(&assembly_top(&made)->digest, &expected));
    }
}

static void a_function_without_a_supervisor_stays_without(void **state)
{
    (void)state;
    struct error err;
    owned(dock) struct dock dock;
    owned(assembly) struct assembly made = {0};
    dock_init(&dock);
    struct definition *definition = &dock.file.functions[0];
    definition->supervisor_mode = SUPERVISOR_NONE;
    json_object_set_new((json_t *)definition->config, "supervisor",
                        json_pack("{s:s}", "mode", "none"));
    make_function(&dock, dock.functions, "old", "linux/amd64");

    const struct rebase rebase = rebase_of(&dock, "new");
    assert_ok(rebase_make(&rebase, dock.workspace, &made, &err));
    dock.recipe.base_name = "example.org/new:2";
    struct digest expected = make_function(&dock, dock.workspace, "new", "linux/amd64");
    assert_true(digest_equal(&assembly_top(&made)->digest, &expected));
    assert_int_equal(image_layer_count(made.images[0]), 3);
    owned(memory) const char **entrypoint = image_entrypoint(made.images[0]);
    assert_string_equal(entrypoint[0], "/bin/new");
}

static void every_platform_is_rebased(void **state)
{
    (void)state;
    struct error err;
    owned(dock) struct dock dock;
    owned(assembly) struct assembly made = {0};
    dock_init(&dock);
    sample_index(dock.bases, "both");
    make_function(&dock, dock.functions, "both", "linux/arm64,linux/amd64");

    const struct rebase rebase = rebase_of(&dock, "both");
    assert_ok(rebase_make(&rebase, dock.workspace, &made, &err));
    assert_int_equal(made.image_count, 2);
    assert_string_equal(image_platform(made.images[0])->architecture, "arm64");
    assert_int_equal(assembly_top(&made)->media_type, MEDIA_TYPE_OCI_INDEX);

    put_base(&dock, "amd64 only", "linux/amd64", NULL);
    const struct rebase narrow = rebase_of(&dock, "amd64 only");
    owned(assembly) struct assembly none = {0};
    assert_fails(rebase_make(&narrow, dock.workspace, &none, &err), ERROR_NOT_FOUND,
                 "linux/arm64: base: no image for linux/arm64; there is linux/amd64");
}

static void what_is_no_function_stays_where_it_is(void **state)
{
    (void)state;
    struct error err;
    owned(dock) struct dock dock;
    owned(assembly) struct assembly none = {0};
    dock_init(&dock);
    struct rebase rebase = rebase_of(&dock, "new");

    assert_fails(rebase_make(&rebase, dock.workspace, &none, &err), ERROR_NOT_FOUND, "f");
    rebase.from = layout_store(dock.bases);
    rebase.from_name = "old";
    assert_fails(rebase_make(&rebase, dock.workspace, &none, &err), ERROR_INVALID,
                 "its uppermost layer is not a function of skiff's");
}

/* The function's own store breaks at every call in turn: an error, and nothing is made. */
static void it_may_break_anywhere(void **state)
{
    (void)state;
    struct error err;
    owned(dock) struct dock dock;
    struct faulty_store faulty;
    dock_init(&dock);
    make_function(&dock, dock.functions, "old", "linux/amd64");
    struct rebase rebase = rebase_of(&dock, "new");
    faulty_store_init(&faulty, layout_store(dock.functions));
    rebase.from = &faulty.store;

    int calls = 0;
    for (;; calls++) {
        owned(assembly) struct assembly made = {0};
        faulty.calls_left = calls;
        if (rebase_make(&rebase, dock.workspace, &made, &err))
            break;
        assert_int_equal(err.kind, ERROR_NETWORK);
        assert_int_equal(made.image_count, 0);
    }
    assert_true(calls >= 4); /* manifest twice, config, function layer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebased_image_is_the_one_built_on_the_new_base),
        cmocka_unit_test(a_function_without_a_supervisor_stays_without),
        cmocka_unit_test(every_platform_is_rebased),
        cmocka_unit_test(what_is_no_function_stays_where_it_is),
        cmocka_unit_test(it_may_break_anywhere),
    };
    return cmocka_run_group_tests_name("rebase", tests, NULL, NULL);
}
