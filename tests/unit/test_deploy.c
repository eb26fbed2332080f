/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deploying: a function appears whole, on an image named by digest, or not at
 * all, and what stopped anywhere is simply done again.
 */
#include "lambda/deploy.h"

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/fake_platform.h"
#include "tests/support/faulty_store.h"
#include "tests/support/recorded_progress.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

#define PREPARED "123456789012.dkr.ecr.eu-west-1.amazonaws.com/prepared:base"

/* A base image, a platform and what goes between them, in a folder. */
struct yard {
    char *folder;
    char *definition_path;
    struct layout *base, *workspace, *repository;
    struct faulty_store faulty; /* in front of the repository */
    struct fake_platform fake;
    struct recorded_progress progress;
    struct definition_file file;
    struct deploy_tools tools;
};

static struct layout *make_layout(const struct yard *yard, const char *name)
{
    struct error err;
    struct layout *layout = NULL;
    owned(memory) char *path = text_format("%s/%s", yard->folder, name);

    assert_ok(layout_open(path, true, &layout, &err));
    return layout;
}

/* `lambda` is more of the lambda section. */
static void yard_init(struct yard *yard, const char *image, const char *lambda)
{
    struct error err;

    *yard = (struct yard){.folder = temp_folder()};
    yard->base = make_layout(yard, "base");
    yard->workspace = make_layout(yard, "workspace");
    yard->repository = make_layout(yard, "repository");
    (void)sample_index(yard->base, "base");
    faulty_store_init(&yard->faulty, layout_store(yard->repository));
    fake_platform_init(&yard->fake, &yard->faulty.store);
    recorded_progress_init(&yard->progress);

    owned(memory) char *supervisor = text_format("%s/supervisor", yard->folder);
    assert_ok(file_write(supervisor, 0755, "stand-in", 8, &err));
    yard->definition_path = text_format("%s/function.yaml", yard->folder);
    owned(memory) char *yaml = text_format(
        "functions:\n  aws:\n  - lambda: {name: boat, container: {image: '%s'}%s}\n", image,
        lambda);
    assert_ok(file_write(yard->definition_path, 0644, yaml, strlen(yaml), &err));
    const struct definition_options options = {0};
    assert_ok(definition_file_read(yard->definition_path, &options, &yard->progress.progress,
                                   &yard->file, &err));
    yard->tools = (struct deploy_tools){
        .platform = &yard->fake.platform,
        .base = layout_store(yard->base),
        .base_image = "base",
        .recipe = {.definition = &yard->file.functions[0],
                   .supervisor_path = take(&supervisor)},
        .workspace = yard->workspace,
        .progress = &yard->progress.progress,
    };
}

static void yard_cleanup(struct yard *yard)
{
    fake_platform_release(&yard->fake);
    recorded_progress_release(&yard->progress);
    definition_file_release(&yard->file);
    layout_free(yard->base);
    layout_free(yard->workspace);
    layout_free(yard->repository);
    free((char *)yard->tools.recipe.supervisor_path);
    free(yard->definition_path);
    temp_folder_remove(yard->folder);
}

/* The digest "latest" stands for in the repository, "" when there is none. */
static struct digest_text tagged(const struct yard *yard)
{
    struct error err;
    owned(document) struct document document = {0};

    if (!store_resolve(layout_store(yard->repository), "latest", &document, &err))
        return (struct digest_text){""};
    return digest_format(&document.descriptor.digest);
}

/* The function runs on an image that is in the repository and for `architecture`. */
static void assert_deployed(const struct yard *yard, const struct deployed *deployed,
                            const char *architecture)
{
    struct error err;
    owned(image) struct image *image = NULL;

    assert_string_equal(yard->fake.function, "boat");
    assert_string_equal(yard->fake.image_uri, deployed->image_uri);
    assert_string_equal(deployed->arn, "arn:fake");
    const char *digest = strchr(deployed->image_uri, '@');
    assert_non_null(digest);
    assert_int_equal(
        strncmp(deployed->image_uri, FAKE_REPOSITORY_URI "@", strlen(FAKE_REPOSITORY_URI "@")),
        0);
    assert_ok(image_open(layout_store(yard->repository), digest + 1, NULL, &image, &err));
    assert_string_equal(image_platform(image)->architecture, architecture);
    assert_int_equal(image_layer_count(image), 3);
}

static void a_function_is_deployed_by_digest(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_deployed(&yard, &deployed, "amd64");
    assert_string_equal(tagged(&yard).text, strchr(deployed.image_uri, '@') + 1);
    assert_string_equal(text_string(&yard.progress.steps),
                        "Building new ECR image: " FAKE_REPOSITORY_URI "\n"
                        "Pushing new image to ECR ...\n");
}

static void of_two_architectures_the_first_runs_and_the_tag_names_both(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(document) struct document index = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", ", architectures: [arm64, x86_64]");

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_deployed(&yard, &deployed, "arm64");
    assert_ok(store_resolve(layout_store(yard.repository), "latest", &index, &err));
    assert_int_equal(index.descriptor.media_type, MEDIA_TYPE_OCI_INDEX);
}

static void an_existing_function_is_left_alone(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.fake.function = memory_copy_string("boat");
    yard.fake.image_uri = memory_copy_string("some@image");

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_CONFLICT,
                 "function 'boat' exists already; change it with: skiff update, or remove it "
                 "with: skiff rm -n boat");
    assert_int_equal(yard.fake.repositories_opened, 0);
}

/* Lets every call of the platform in turn be the one that fails. */
static void the_platform_may_fail_anywhere(void **state)
{
    (void)state;
    bool deployed_at_once = false;

    for (int calls = 0; !deployed_at_once; calls++) {
        struct error err;
        owned(deployed) struct deployed first = {0}, second = {0};
        owned(yard) struct yard yard;
        yard_init(&yard, "debian", "");
        yard.fake.calls_left = calls;

        deployed_at_once = deploy_function(&yard.tools, &first, &err);
        assert_int_equal(yard.fake.function && !yard.fake.is_broken, deployed_at_once);
        if (!deployed_at_once) {
            assert_int_equal(err.kind, ERROR_NETWORK);
            assert_null(first.arn);
            assert_ok(deploy_function(&yard.tools, &second, &err));
            assert_deployed(&yard, &second, "amd64");
        }
        assert_int_equal(deployed_at_once, calls == 4); /* find, open, create twice */
    }
}

static void the_repository_may_fail_anywhere(void **state)
{
    (void)state;
    bool deployed_at_once = false;

    for (int calls = 0; !deployed_at_once; calls++) {
        struct error err;
        owned(deployed) struct deployed first = {0}, second = {0};
        owned(yard) struct yard yard;
        yard_init(&yard, "debian", ", architectures: [x86_64, arm64]");
        yard.faulty.calls_left = calls;

        deployed_at_once = deploy_function(&yard.tools, &first, &err);
        assert_int_equal(yard.fake.function != NULL, deployed_at_once);
        if (!deployed_at_once) {
            assert_int_equal(err.kind, ERROR_NETWORK);
            assert_non_null(strstr(err.text, "push to " FAKE_REPOSITORY_URI));
            assert_string_equal(tagged(&yard).text, "");
            yard.faulty.calls_left = -1;
            assert_ok(deploy_function(&yard.tools, &second, &err));
            assert_deployed(&yard, &second, "amd64");
        }
        assert_in_range(calls, 0, 60);
        assert_true(calls > 10 || !deployed_at_once);
    }
}

/* After the image is pushed: what is there, and what to do. */
static void a_failure_says_how_to_go_on(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.fake.calls_left = 2; /* find, open */

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NETWORK,
                 "no answer; the image is there: mend the cause and go on with 'skiff deploy', "
                 "or take it away with 'skiff prune -n boat --all'");
    assert_string_not_equal(tagged(&yard).text, "");
    yard.fake.calls_left = 3; /* and half of the creation */
    yard.fake.failures = 1;
    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NETWORK,
                 "no answer; the function is there: mend the cause and go on with 'skiff "
                 "deploy', or take everything away with 'skiff rm -n boat'");
}

static void a_failure_may_be_undone(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.tools.rollback = true;
    owned(document) struct document former =
        sample_image(yard.repository, "latest", "linux/amd64", NULL);
    yard.fake.calls_left = 3; /* find, open, half of create */

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NETWORK,
                 "no answer; what was done is undone");
    assert_null(yard.fake.function);
    assert_int_equal(yard.fake.images_undone, 1);
    assert_string_equal(tagged(&yard).text, digest_format(&former.descriptor.digest).text);

    yard.fake.calls_left = 2; /* find, open, but neither create nor undo */
    yard.fake.failures = 2;
    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NETWORK,
                 "no answer; and undoing what was done failed: no answer");
}

static void an_update_needs_a_function(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.tools.mode = DEPLOY_CHANGE;

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NOT_FOUND,
                 "no function 'boat' to update; make it with: skiff init");
    yard.fake.function = memory_copy_string("boat");
    yard.fake.image_uri = memory_copy_string("some@image");
    yard.fake.is_broken = true;
    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_CONFLICT,
                 "the creation of function 'boat' has failed; make it anew with: skiff deploy");
    assert_int_equal(yard.fake.repositories_opened, 0);
}

static void what_is_pushed_already_is_not_pushed_again(void **state)
{
    (void)state;
    struct error err;
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.tools.mode = DEPLOY_EITHER;
    yard.fake.ops.is_local = true; /* where no blob sets out early */

    for (int i = 0; i < 3; i++) {
        owned(deployed) struct deployed deployed = {0};
        assert_ok(deploy_function(&yard.tools, &deployed, &err));
        assert_deployed(&yard, &deployed, "amd64");
        assert_int_equal(yard.fake.updates, i);
        yard.faulty.calls_left = 1; /* to ask what the tag names, and nothing to write */
    }
}

static void a_creation_that_failed_is_made_anew(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    yard.fake.function = memory_copy_string("boat");
    yard.fake.image_uri = memory_copy_string("some@image");
    yard.fake.is_broken = true;

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_deployed(&yard, &deployed, "amd64");
}

static void a_plan_writes_nothing(void **state)
{
    (void)state;
    struct error err;
    json_owned json_t *plan = NULL;
    json_owned json_t *second = NULL;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", ", architectures: [x86_64, arm64]");
    yard.tools.mode = DEPLOY_EITHER;

    assert_ok(deploy_plan(&yard.tools, &plan, &err));
    assert_string_equal(tagged(&yard).text, "");
    assert_null(yard.fake.function);
    assert_true(json_is_false(json_object_get(plan, "Exists")));
    /* A base layer and a config for each, ours for both and the supervisor. */
    assert_int_equal(json_array_size(json_object_get(plan, "Upload")), 6);
    assert_true(json_integer_value(json_object_get(plan, "UploadBytes")) > 0);
    assert_int_equal(json_array_size(json_object_get(plan, "Calls")), 1);

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_ok(deploy_plan(&yard.tools, &second, &err));
    assert_int_equal(json_array_size(json_object_get(second, "Upload")), 0);
    assert_string_equal(json_optional_string(second, "ImageUri"), deployed.image_uri);
}

static void a_base_without_the_architecture_stops_before_the_platform(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", ", architectures: [x86_64]");
    struct document other = sample_image(yard.base, "base", "linux/arm64", NULL);
    document_release(&other);

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NOT_FOUND,
                 "image 'debian': no image for linux/amd64; there is linux/arm64");
    assert_int_equal(yard.fake.repositories_opened, 0);
}

/* The base's only layer becomes `blob`. */
static void replace_layer(const struct yard *yard, const struct descriptor *blob)
{
    struct error err;
    owned(image) struct image *plain = NULL;
    owned(image) struct image *replaced = NULL;
    struct store *store = layout_store(yard->base);
    struct document base = sample_image(yard->base, "plain", "linux/amd64", NULL);
    document_release(&base);

    assert_ok(image_open(store, "plain", NULL, &plain, &err));
    assert_ok(image_replace_blobs(plain, blob, store, store, &replaced, &err));
    assert_ok(store_put_manifest(store, "base", image_document(replaced), &err));
}

/* The layer sample_image() makes for linux/amd64, with zstd. */
static struct layer zstd_layer(const struct yard *yard)
{
    struct error err;
    struct layer layer;
    owned(tree) struct tree *tree = tree_new();

    assert_ok(tree_add_bytes(tree, "etc/motd", TREE_FILE, "linux/amd64", 11, &err));
    assert_ok(layer_write_as(tree, LAYER_ZSTD, 0, yard->base, &layer, &err));
    return layer;
}

static struct image *deployed_image(const struct yard *yard, const struct deployed *deployed)
{
    struct error err;
    struct image *image = NULL;

    assert_ok(image_open(layout_store(yard->repository), strchr(deployed->image_uri, '@') + 1,
                         NULL, &image, &err));
    return image;
}

static void zstd_layers_are_recompressed_for_lambda(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    struct layer zstd = zstd_layer(&yard);
    replace_layer(&yard, &zstd.blob);

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    owned(image) struct image *image = deployed_image(&yard, &deployed);
    const struct layer *layer = image_layer(image, 0);
    assert_int_equal(layer->blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
    assert_true(digest_equal(&layer->diff_id, &zstd.diff_id));
    assert_false(digest_equal(&layer->blob.digest, &zstd.blob.digest));
    assert_non_null(strstr(text_string(&yard.progress.steps),
                           " is recompressed: Lambda takes gzip, and it is zstd\n"));
}

static void zstd_layers_stay_on_this_machine(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");
    struct layer zstd = zstd_layer(&yard);
    replace_layer(&yard, &zstd.blob);

    yard.fake.ops.is_local = true;
    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    owned(image) struct image *image = deployed_image(&yard, &deployed);
    assert_true(digest_equal(&image_layer(image, 0)->blob.digest, &zstd.blob.digest));
    assert_string_equal(text_string(&yard.progress.steps), "");
}

static void a_layer_that_is_not_what_it_says_stops_the_deployment(void **state)
{
    (void)state;
    struct error err;
    struct layer other;
    owned(deployed) struct deployed deployed = {0};
    owned(tree) struct tree *tree = tree_new();
    owned(yard) struct yard yard;
    yard_init(&yard, "debian", "");

    assert_ok(tree_add_bytes(tree, "etc/motd", TREE_FILE, "something else", 14, &err));
    assert_ok(layer_write_as(tree, LAYER_ZSTD, 0, yard.base, &other, &err));
    replace_layer(&yard, &other.blob);
    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_INVALID,
                 "layer 1 has diff id sha256:");
    assert_int_equal(yard.fake.repositories_opened, 0);
}

static void a_prepared_image_is_used_where_it_is(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, PREPARED, "");
    owned(document) struct document base = sample_image(yard.base, "base", "linux/amd64", NULL);
    owned(memory) char *expected = text_format("%.*s@%s", (int)strlen(PREPARED) - 5, PREPARED,
                                               digest_format(&base.descriptor.digest).text);

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_string_equal(deployed.image_uri, expected);
    assert_int_equal(yard.fake.repositories_opened, 0);
}

static void a_prepared_image_is_copied_to_this_machine(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, PREPARED, "");
    yard.fake.ops.is_local = true;

    assert_true(yard.file.functions[0].image_is_prepared);
    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_string_equal(tagged(&yard).text, strchr(deployed.image_uri, '@') + 1);
}

static bool refuse(struct store *self, const char *name, struct document *out,
                   struct error *err)
{
    (void)self, (void)name, (void)out;
    return error_set(err, ERROR_DENIED, "no login");
}

static void lambda_resolves_the_tag_where_we_may_not(void **state)
{
    (void)state;
    static const struct store_ops refusing = {.resolve = refuse};
    struct store base = {.ops = &refusing};
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, PREPARED, "");
    yard.tools.base = &base;

    assert_ok(deploy_function(&yard.tools, &deployed, &err));
    assert_string_equal(deployed.image_uri, PREPARED);
    assert_non_null(strstr(text_string(&yard.progress.warnings), "no login"));
}

static void a_prepared_image_that_is_missing_is_not_found(void **state)
{
    (void)state;
    struct error err;
    owned(deployed) struct deployed deployed = {0};
    owned(yard) struct yard yard;
    yard_init(&yard, PREPARED, "");
    yard.tools.base_image = "another";

    assert_fails(deploy_function(&yard.tools, &deployed, &err), ERROR_NOT_FOUND, PREPARED);
    assert_null(yard.fake.function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_deployed_by_digest),
        cmocka_unit_test(of_two_architectures_the_first_runs_and_the_tag_names_both),
        cmocka_unit_test(an_existing_function_is_left_alone),
        cmocka_unit_test(the_platform_may_fail_anywhere),
        cmocka_unit_test(the_repository_may_fail_anywhere),
        cmocka_unit_test(a_failure_says_how_to_go_on),
        cmocka_unit_test(a_failure_may_be_undone),
        cmocka_unit_test(an_update_needs_a_function),
        cmocka_unit_test(what_is_pushed_already_is_not_pushed_again),
        cmocka_unit_test(a_creation_that_failed_is_made_anew),
        cmocka_unit_test(a_plan_writes_nothing),
        cmocka_unit_test(a_base_without_the_architecture_stops_before_the_platform),
        cmocka_unit_test(zstd_layers_are_recompressed_for_lambda),
        cmocka_unit_test(zstd_layers_stay_on_this_machine),
        cmocka_unit_test(a_layer_that_is_not_what_it_says_stops_the_deployment),
        cmocka_unit_test(a_prepared_image_is_used_where_it_is),
        cmocka_unit_test(a_prepared_image_is_copied_to_this_machine),
        cmocka_unit_test(lambda_resolves_the_tag_where_we_may_not),
        cmocka_unit_test(a_prepared_image_that_is_missing_is_not_found),
    };
    return cmocka_run_group_tests_name("deploy", tests, NULL, NULL);
}
