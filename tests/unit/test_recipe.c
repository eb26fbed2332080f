/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipes: the function's image is the base and two small layers, runs the
 * supervisor in front of what the base ran, and is the same wherever and by
 * whomever it is made.
 */
#include "lambda/recipe.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "layers/layer_writer.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

enum { CREATED = 1700000000 };

static const char SUPERVISOR[] = "not a program, but it stands in for one";
static const char SCRIPT[] = "#!/bin/sh\necho hello\n";

/* Everything one recipe needs, in a folder of its own. */
struct kitchen {
    char *folder;
    char *script;
    char *supervisor;
    struct layout *workspace;
    struct definition_file file;
    struct image *base;
    struct recipe recipe;
};

static void write_text(const char *path, mode_t mode, const char *text)
{
    struct error err;

    assert_ok(file_write(path, mode, text, strlen(text), &err));
}

static void kitchen_init(struct kitchen *kitchen, const char *platform, const char *config)
{
    static const char *const environment[] = {"GREETING=hello", "LANG=C.UTF-8", NULL};
    struct error err;

    *kitchen = (struct kitchen){.folder = temp_folder()};
    kitchen->script = text_format("%s/script.sh", kitchen->folder);
    kitchen->supervisor = text_format("%s/stand-in", kitchen->folder);
    write_text(kitchen->script, 0600, SCRIPT);
    write_text(kitchen->supervisor, 0755, SUPERVISOR);

    owned(memory) char *path = text_format("%s/layout", kitchen->folder);
    assert_ok(layout_open(path, true, &kitchen->workspace, &err));
    struct document base = sample_image(kitchen->workspace, "base", platform, config);
    document_release(&base);
    assert_ok(image_open(layout_store(kitchen->workspace), "base", NULL, &kitchen->base, &err));

    const struct definition_options options = {
        .image = "example.org/base",
        .name = "cook",
        .script = kitchen->script,
        .environment = environment,
    };
    assert_ok(definition_file_read(NULL, &options, &progress_none, &kitchen->file, &err));
    kitchen->recipe = (struct recipe){
        .definition = &kitchen->file.functions[0],
        .base_name = "example.org/base:latest",
        .supervisor_path = kitchen->supervisor,
        .created = CREATED,
    };
}

static void kitchen_cleanup(struct kitchen *kitchen)
{
    image_free(kitchen->base);
    definition_file_release(&kitchen->file);
    layout_free(kitchen->workspace);
    temp_folder_remove(kitchen->folder);
    free(kitchen->script);
    free(kitchen->supervisor);
}

static void count_layer(void *context, const struct layer *layer)
{
    assert_int_equal(layer->blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
    ++*(size_t *)context;
}

static struct image *make(struct kitchen *kitchen)
{
    struct error err;
    struct recipe_copied copied = {0};
    struct recipe_parts parts = {.copied = &copied};
    size_t told = 0;
    const struct recipe *recipe = &kitchen->recipe;
    struct layout *workspace = kitchen->workspace;
    struct image *made = NULL;

    assert_ok(recipe_write_supervisor(recipe, image_platform(kitchen->base), workspace,
                                      &parts.supervisor, &err));
    assert_ok(recipe_write_copies(recipe, workspace, count_layer, &told, &copied, &err));
    assert_int_equal(told, copied.count);
    assert_ok(recipe_write_function(recipe, workspace, &parts.function, &err));
    assert_ok(recipe_make(recipe, &parts, kitchen->base, workspace, &made, &err));
    return made;
}

static void assert_run_member(const struct image *image, const char *name, const char *expected)
{
    const json_t *run = json_object_get(image_config(image), "config");
    const json_t *member = json_object_get(run, name);

    assert_non_null(member);
    owned(memory) char *text = json_text(member);
    assert_string_equal(text, expected);
}

static void the_supervisor_runs_in_front_of_what_the_base_ran(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64",
                 "{\"Env\":[\"PATH=/opt/bin:/bin\",\"LANG=C\",\"KEPT=1\"],"
                 "\"Entrypoint\":[\"/bin/tool\",\"-x\"],\"Cmd\":[\"all\"],"
                 "\"WorkingDir\":\"/srv\",\"Labels\":{\"kept\":\"too\"}}");
    owned(image) struct image *made = make(&kitchen);

    assert_run_member(made, "Entrypoint", "[\"/var/task/supervisor\"]");
    assert_run_member(made, "Cmd", "[\"/bin/tool\",\"-x\",\"all\"]");
    assert_run_member(made, "WorkingDir", "\"/srv\"");
    assert_run_member(made, "Labels", "{\"kept\":\"too\"}");
    assert_run_member(made, "Env",
                      "[\"PATH=/var/task:/opt/bin:/bin\",\"LANG=C.UTF-8\",\"KEPT=1\","
                      "\"PYTHONIOENCODING=utf8\",\"GREETING=hello\"]");
}

/* As assembly does, for a definition whose mode is none. */
static bool make_without_supervisor(struct kitchen *kitchen, struct image **out,
                                    struct error *err)
{
    struct recipe_copied copied = {0};
    struct recipe_parts parts = {.copied = &copied};
    struct recipe *recipe = &kitchen->recipe;

    kitchen->file.functions[0].supervisor_mode = SUPERVISOR_NONE;
    assert_false(recipe_has_supervisor(recipe));
    return recipe_write_function(recipe, kitchen->workspace, &parts.function, err) &&
           recipe_make(recipe, &parts, kitchen->base, kitchen->workspace, out, err);
}

static void without_a_supervisor_the_base_runs_as_it_is(void **state)
{
    (void)state;
    struct error err;
    owned(kitchen) struct kitchen kitchen;
    owned(image) struct image *made = NULL;
    kitchen_init(&kitchen, "linux/amd64",
                 "{\"Env\":[\"PATH=/opt/bin\"],\"Entrypoint\":[\"/client\"],"
                 "\"Cmd\":[\"app.handler\"]}");

    assert_ok(make_without_supervisor(&kitchen, &made, &err));
    assert_run_member(made, "Entrypoint", "[\"/client\"]");
    assert_run_member(made, "Cmd", "[\"app.handler\"]");
    assert_run_member(made, "Env", "[\"PATH=/opt/bin\",\"GREETING=hello\",\"LANG=C.UTF-8\"]");
    assert_null(image_working_directory(made));
    assert_int_equal(image_layer_count(made), image_layer_count(kitchen.base) + 1);
}

static void a_base_with_a_supervisor_cannot_do_without(void **state)
{
    (void)state;
    struct error err;
    owned(kitchen) struct kitchen kitchen;
    struct image *made = NULL;
    kitchen_init(&kitchen, "linux/amd64", "{\"Entrypoint\":[\"/var/task/supervisor\"]}");

    assert_fails(make_without_supervisor(&kitchen, &made, &err), ERROR_INVALID,
                 "supervisor.mode is none, and the base starts skiff's supervisor");
}

static void an_empty_base_gets_what_a_function_needs(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/arm64", "{}");
    owned(image) struct image *made = make(&kitchen);

    assert_run_member(made, "Entrypoint", "[\"/var/task/supervisor\"]");
    assert_run_member(made, "Cmd", "[]");
    assert_run_member(made, "WorkingDir", "\"/var/task\"");
    assert_run_member(made, "Env",
                      "[\"PATH=/var/task:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                      "/sbin:/bin\",\"PYTHONIOENCODING=utf8\",\"GREETING=hello\","
                      "\"LANG=C.UTF-8\"]");
    assert_string_equal(image_platform(made)->architecture, "arm64");
}

static void the_definition_has_the_last_word_on_variables(void **state)
{
    (void)state;
    static const char *const environment[] = {"PATH=/mine", "PYTHONIOENCODING=latin1", NULL};
    struct error err;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", "{\"Env\":[\"PATH=/bin\"]}");
    const struct definition_options options = {
        .image = "example.org/base", .name = "cook", .environment = environment};
    owned(definition_file) struct definition_file file = {0};
    assert_ok(definition_file_read(NULL, &options, &progress_none, &file, &err));
    kitchen.recipe.definition = &file.functions[0];
    owned(image) struct image *made = make(&kitchen);

    assert_run_member(made, "Env", "[\"PATH=/mine\",\"PYTHONIOENCODING=latin1\"]");
}

static void a_function_as_base_keeps_one_supervisor(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", "{\"Cmd\":[\"/bin/tool\"]}");
    struct image *function = make(&kitchen);
    image_free(kitchen.base);
    kitchen.base = function;
    assert_run_member(function, "Cmd", "[\"/bin/tool\"]");

    owned(image) struct image *twice = make(&kitchen);
    assert_run_member(twice, "Cmd", "[\"/bin/tool\"]");
}

/* What is in a layer is checked against a layer of exactly that. */
static struct digest diff_id_of(struct kitchen *kitchen, struct tree *tree)
{
    struct error err;
    struct layer layer;

    assert_ok(layer_write(tree, CREATED, kitchen->workspace, &layer, &err));
    return layer.diff_id;
}

static void the_layers_hold_the_supervisor_and_the_function(void **state)
{
    (void)state;
    static const char config[] =
        "{\"container\":{\"environment\":{\"Variables\":{\"GREETING\":\"hello\","
        "\"LANG\":\"C.UTF-8\"}},\"image\":\"example.org/base\",\"timeout_threshold\":10},"
        "\"description\":\"Automatically generated lambda function\","
        "\"environment\":{\"Variables\":{}},\"init_script\":\"script.sh\",\"log_level\":"
        "\"INFO\","
        "\"memory\":512,\"name\":\"cook\",\"runtime\":\"image\",\"timeout\":300}\n";
    struct error err;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", NULL);
    owned(image) struct image *made = make(&kitchen);
    owned(tree) struct tree *supervisor = tree_new();
    owned(tree) struct tree *function = tree_new();

    assert_ok(tree_add_bytes(supervisor, "var/task/supervisor", TREE_PROGRAM, SUPERVISOR,
                             strlen(SUPERVISOR), &err));
    assert_ok(tree_add_bytes(function, "var/task/function_config.yaml", TREE_FILE, config,
                             strlen(config), &err));
    assert_ok(tree_add_bytes(function, "var/task/script.sh", TREE_PROGRAM, SCRIPT,
                             strlen(SCRIPT), &err));
    struct digest expected[] = {diff_id_of(&kitchen, supervisor),
                                diff_id_of(&kitchen, function)};

    assert_int_equal(image_layer_count(made), 3);
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_true(digest_equal(&image_layer(made, 1 + i)->diff_id, &expected[i]));
}

static void history_and_annotations_tell_where_it_came_from(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", NULL);
    owned(image) struct image *made = make(&kitchen);
    const json_t *history = json_object_get(image_config(made), "history");
    const json_t *annotations = json_object_get(image_manifest(made), "annotations");
    struct digest_text base = digest_format(&image_document(kitchen.base)->descriptor.digest);

    assert_int_equal(json_array_size(history), 3);
    assert_string_equal(json_optional_string(json_array_get(history, 1), "created_by"),
                        "skiff " SKIFF_VERSION ": supervisor");
    assert_string_equal(json_optional_string(json_array_get(history, 2), "created_by"),
                        "skiff " SKIFF_VERSION ": function");
    assert_string_equal(json_optional_string(image_config(made), "created"),
                        "2023-11-14T22:13:20Z");
    assert_string_equal(json_optional_string(annotations, "org.opencontainers.image.base.name"),
                        "example.org/base:latest");
    assert_string_equal(
        json_optional_string(annotations, "org.opencontainers.image.base.digest"), base.text);
}

/* The kitchen's definition with a folder and a file to copy; the caller's to release. */
static void read_copies(struct kitchen *kitchen, const char *where,
                        struct definition_file *file)
{
    struct error err;
    owned(memory) char *folder = text_format("%s/models", kitchen->folder);
    owned(memory) char *path = text_format("%s/small", folder);
    owned(memory) char *first = text_format("%s:%s", folder, where);
    owned(memory) char *second = text_format("%s:/etc/", kitchen->script);
    const char *const copies[] = {first, second, NULL};
    const struct definition_options options = {.image = "example.org/base",
                                               .name = "cook",
                                               .script = kitchen->script,
                                               .copies = copies};

    assert_ok(folder_make(folder, &err));
    write_text(path, 0600, "model");
    assert_ok(definition_file_read(NULL, &options, &progress_none, file, &err));
    kitchen->recipe.definition = &file->functions[0];
}

static void copies_are_layers_between_supervisor_and_function(void **state)
{
    (void)state;
    struct error err;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", NULL);
    owned(definition_file) struct definition_file file = {0};
    owned(tree) struct tree *models = tree_new();

    read_copies(&kitchen, "/opt/models", &file);
    owned(image) struct image *made = make(&kitchen);

    assert_int_equal(image_layer_count(made), 5);
    assert_string_equal(image_layer_origin(made, 2),
                        "skiff " SKIFF_VERSION ": copy to /opt/models");
    assert_string_equal(image_layer_origin(made, 3),
                        "skiff " SKIFF_VERSION ": copy to /etc/script.sh");
    assert_ok(tree_add_bytes(models, "opt/models/small", TREE_FILE, "model", 5, &err));
    struct digest expected = diff_id_of(&kitchen, models);
    assert_true(digest_equal(&image_layer(made, 2)->diff_id, &expected));
    assert_null(
        json_object_get(json_object_get(file.functions[0].config, "container"), "copy"));

    write_text(kitchen.script, 0600, "another script");
    owned(image) struct image *changed = make(&kitchen);
    assert_true(digest_equal(&image_layer(changed, 2)->blob.digest,
                             &image_layer(made, 2)->blob.digest));
    assert_false(digest_equal(&image_layer(changed, 4)->blob.digest,
                              &image_layer(made, 4)->blob.digest));
}

static void nothing_is_copied_over_the_supervisor(void **state)
{
    (void)state;
    struct error err;
    struct recipe_copied copied = {0};
    size_t told = 0;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", NULL);
    owned(definition_file) struct definition_file file = {0};
    owned(memory) char *supervisor = text_format("%s/models/supervisor", kitchen.folder);
    owned(memory) char *task = text_format("%s/models/task", kitchen.folder);

    read_copies(&kitchen, ".", &file);
    write_text(supervisor, 0755, "mine");
    assert_fails(recipe_write_copies(&kitchen.recipe, kitchen.workspace, count_layer, &told,
                                     &copied, &err),
                 ERROR_INVALID, "/var/task/supervisor is the place of skiff's own supervisor");

    owned(definition_file) struct definition_file other = {0};
    read_copies(&kitchen, "/var", &other);
    assert_int_equal(symlink("/elsewhere", task), 0);
    assert_fails(recipe_write_copies(&kitchen.recipe, kitchen.workspace, count_layer, &told,
                                     &copied, &err),
                 ERROR_INVALID, "/var/task must be a folder");
}

static void layers_are_compressed_as_asked(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/amd64", NULL);
    owned(image) struct image *gzip = make(&kitchen);
    kitchen.recipe.compression = LAYER_ZSTD;
    owned(image) struct image *zstd = make(&kitchen);

    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(image_layer(gzip, i)->blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
        assert_int_equal(image_layer(zstd, i)->blob.media_type, MEDIA_TYPE_OCI_LAYER_ZSTD);
        assert_true(
            digest_equal(&image_layer(gzip, i)->diff_id, &image_layer(zstd, i)->diff_id));
    }
}

/* Another folder, umask, time zone, working directory and script mode. */
static void the_same_inputs_give_the_same_digest(void **state)
{
    (void)state;
    struct digest digests[2];
    owned(memory) char *cwd = getcwd(NULL, 0);

    for (size_t i = 0; i < COUNT(digests); i++) {
        owned(kitchen) struct kitchen kitchen;
        mode_t before = umask(i ? 077 : 022);
        setenv("TZ", i ? "Asia/Tokyo" : "UTC", 1);
        tzset();
        kitchen_init(&kitchen, "linux/amd64", NULL);
        assert_int_equal(chmod(kitchen.script, i ? 0755 : 0400), 0);
        assert_int_equal(chdir(i ? kitchen.folder : "/"), 0);

        owned(image) struct image *made = make(&kitchen);
        digests[i] = image_document(made)->descriptor.digest;

        assert_int_equal(chdir(cwd), 0);
        umask(before);
    }
    assert_true(digest_equal(&digests[0], &digests[1]));
}

static void functions_of_one_version_share_the_supervisor(void **state)
{
    (void)state;
    owned(kitchen) struct kitchen one, other;
    kitchen_init(&one, "linux/amd64", NULL);
    kitchen_init(&other, "linux/amd64", "{}");
    write_text(other.script, 0644, "another script");
    owned(image) struct image *first = make(&one);
    owned(image) struct image *second = make(&other);

    assert_true(digest_equal(&image_layer(first, 1)->blob.digest,
                             &image_layer(second, 1)->blob.digest));
    assert_false(digest_equal(&image_layer(first, 2)->blob.digest,
                              &image_layer(second, 2)->blob.digest));
}

static void assert_layer_equal(const struct layer *layer, const struct layer *other)
{
    assert_int_equal(layer->blob.media_type, other->blob.media_type);
    assert_int_equal(layer->blob.size, other->blob.size);
    assert_true(digest_equal(&layer->blob.digest, &other->blob.digest));
    assert_true(digest_equal(&layer->diff_id, &other->diff_id));
}

/* Reading it to its end compares it with its descriptor. */
static void assert_blob_is_whole(struct layout *workspace, const struct descriptor *blob)
{
    owned(source) struct source *bytes = NULL;
    char buffer[16 * 1024];
    size_t count;
    struct error err;

    assert_ok(store_open_blob(layout_store(workspace), blob, &bytes, &err));
    do
        assert_ok(source_read(bytes, buffer, sizeof buffer, &count, &err));
    while (count > 0);
}

static void the_supervisors_inside_are_the_layers_that_would_be_written(void **state)
{
    (void)state;
    static const struct {
        const char *platform;
        const char *program; /* found from the root of the checkout */
    } supervisors[] = {
        {"linux/amd64", "build/supervisor/amd64/supervisor"},
        {"linux/arm64", "build/supervisor/arm64/supervisor"},
    };
    static const struct {
        enum layer_compression compression;
        time_t created;
    } forms[] = {{LAYER_GZIP, 0}, {LAYER_GZIP, CREATED}, {LAYER_ZSTD, 0}};
    struct error err;

    for (size_t i = 0; i < sizeof supervisors / sizeof *supervisors; i++) {
        owned(kitchen) struct kitchen kitchen;
        kitchen_init(&kitchen, supervisors[i].platform, NULL);
        const struct platform_spec *platform = image_platform(kitchen.base);
        struct recipe recipe = kitchen.recipe;
        for (size_t j = 0; j < sizeof forms / sizeof *forms; j++) {
            struct layer inside;
            struct layer written;
            recipe.compression = forms[j].compression;
            recipe.created = forms[j].created;
            recipe.supervisor_path = NULL;
            assert_ok(
                recipe_write_supervisor(&recipe, platform, kitchen.workspace, &inside, &err));
            assert_blob_is_whole(kitchen.workspace, &inside.blob);
            recipe.supervisor_path = supervisors[i].program;
            assert_ok(
                recipe_write_supervisor(&recipe, platform, kitchen.workspace, &written, &err));
            assert_layer_equal(&inside, &written);
        }
    }
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct error err;
    struct layer layer;
    owned(kitchen) struct kitchen kitchen;
    kitchen_init(&kitchen, "linux/s390x", NULL);
    const struct platform_spec *platform = image_platform(kitchen.base);

    assert_int_equal(unlink(kitchen.script), 0);
    assert_fails(recipe_write_function(&kitchen.recipe, kitchen.workspace, &layer, &err),
                 ERROR_NOT_FOUND, "init script: ");

    kitchen.recipe.supervisor_path = "/nowhere/supervisor";
    assert_fails(
        recipe_write_supervisor(&kitchen.recipe, platform, kitchen.workspace, &layer, &err),
        ERROR_NOT_FOUND, "supervisor: open '/nowhere/supervisor'");

    kitchen.recipe.supervisor_path = NULL;
    assert_fails(
        recipe_write_supervisor(&kitchen.recipe, platform, kitchen.workspace, &layer, &err),
        ERROR_NOT_FOUND, "no supervisor for linux/s390x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_supervisor_runs_in_front_of_what_the_base_ran),
        cmocka_unit_test(without_a_supervisor_the_base_runs_as_it_is),
        cmocka_unit_test(a_base_with_a_supervisor_cannot_do_without),
        cmocka_unit_test(an_empty_base_gets_what_a_function_needs),
        cmocka_unit_test(the_definition_has_the_last_word_on_variables),
        cmocka_unit_test(a_function_as_base_keeps_one_supervisor),
        cmocka_unit_test(the_layers_hold_the_supervisor_and_the_function),
        cmocka_unit_test(history_and_annotations_tell_where_it_came_from),
        cmocka_unit_test(copies_are_layers_between_supervisor_and_function),
        cmocka_unit_test(nothing_is_copied_over_the_supervisor),
        cmocka_unit_test(layers_are_compressed_as_asked),
        cmocka_unit_test(the_same_inputs_give_the_same_digest),
        cmocka_unit_test(functions_of_one_version_share_the_supervisor),
        cmocka_unit_test(the_supervisors_inside_are_the_layers_that_would_be_written),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return cmocka_run_group_tests_name("recipe", tests, NULL, NULL);
}
