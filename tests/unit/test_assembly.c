/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assembling: the base is read while the layers are made, every blob goes ahead
 * as soon as it is known, and what can be refused is refused before that.
 */
#include "lambda/assembly.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

enum { PATIENCE_S = 20 }; /* only of a test that fails */

/* Where blobs go ahead to: it takes them all, and counts. */
struct harbour {
    struct store store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t blobs;
};

static bool harbour_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                             struct error *err)
{
    (void)self, (void)blob, (void)err;
    *found = false;
    return true;
}

static bool harbour_put_blob(struct store *self, const struct descriptor *blob,
                             struct source *bytes, struct error *err)
{
    struct harbour *harbour = (struct harbour *)self;
    char buffer[4096];
    size_t count;
    (void)blob;

    do {
        if (!source_read(bytes, buffer, sizeof buffer, &count, err))
            return false;
    } while (count > 0);
    pthread_mutex_lock(&harbour->lock);
    harbour->blobs++;
    pthread_cond_broadcast(&harbour->changed);
    pthread_mutex_unlock(&harbour->lock);
    return true;
}

static const struct store_ops harbour_ops = {
    .has_blob = harbour_has_blob,
    .put_blob = harbour_put_blob,
};

static bool await_blobs(struct harbour *harbour, size_t wanted)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&harbour->lock);
    while (harbour->blobs < wanted &&
           pthread_cond_timedwait(&harbour->changed, &harbour->lock, &end) == 0)
        continue;
    bool arrived = harbour->blobs >= wanted;
    pthread_mutex_unlock(&harbour->lock);
    return arrived;
}

/* A base that answers only when so many blobs have arrived in the harbour. */
struct late_base {
    struct store store;
    struct store *inner;
    struct harbour *harbour;
    size_t before_name;   /* is resolved */
    size_t before_config; /* is read */
    const struct digest *config;
};

static bool late_resolve(struct store *self, const char *name, struct document *out,
                         struct error *err)
{
    struct late_base *base = (struct late_base *)self;

    if (!await_blobs(base->harbour, base->before_name))
        return error_set(err, ERROR_SYSTEM, "nothing went ahead of the name");
    return store_resolve(base->inner, name, out, err);
}

static bool late_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                          struct error *err)
{
    struct store *inner = ((struct late_base *)self)->inner;

    return inner->ops->has_blob(inner, blob, found, err);
}

static bool late_open_blob(struct store *self, const struct descriptor *blob,
                           struct source **out, struct error *err)
{
    struct late_base *base = (struct late_base *)self;

    if (digest_equal(&blob->digest, base->config) &&
        !await_blobs(base->harbour, base->before_config))
        return error_set(err, ERROR_SYSTEM, "nothing went ahead of the config");
    return store_open_blob(base->inner, blob, out, err);
}

static const struct store_ops late_ops = {
    .resolve = late_resolve,
    .has_blob = late_has_blob,
    .open_blob = late_open_blob,
};

struct yard {
    char *folder;
    struct layout *bases, *workspace;
    struct definition_file file;
    struct recipe recipe;
    struct platform_spec platforms[1];
    char *supervisor, *script;
    struct harbour harbour;
};

static char *write_text(const struct yard *yard, const char *name, const char *text)
{
    struct error err;
    char *path = text_format("%s/%s", yard->folder, name);

    assert_ok(file_write(path, 0755, text, strlen(text), &err));
    return path;
}

static struct layout *open_layout(const struct yard *yard, const char *name)
{
    struct error err;
    struct layout *layout = NULL;
    owned(memory) char *path = text_format("%s/%s", yard->folder, name);

    assert_ok(layout_open(path, true, &layout, &err));
    return layout;
}

static void yard_init(struct yard *yard)
{
    struct error err;

    *yard = (struct yard){.folder = temp_folder()};
    yard->harbour.store.ops = &harbour_ops;
    pthread_mutex_init(&yard->harbour.lock, NULL);
    pthread_cond_init(&yard->harbour.changed, NULL);
    yard->bases = open_layout(yard, "bases");
    yard->workspace = open_layout(yard, "workspace");
    yard->supervisor = write_text(yard, "supervisor", "supervisor");
    yard->script = write_text(yard, "s.sh", "#!/bin/sh\n");
    const struct definition_options options = {
        .image = "example.org/base", .name = "boat", .script = yard->script};
    assert_ok(definition_file_read(NULL, &options, &progress_none, &yard->file, &err));
    yard->recipe = (struct recipe){.definition = &yard->file.functions[0],
                                   .supervisor_path = yard->supervisor};
    assert_ok(platform_spec_parse("linux/amd64", &yard->platforms[0], &err));
}

static void yard_cleanup(struct yard *yard)
{
    pthread_mutex_destroy(&yard->harbour.lock);
    pthread_cond_destroy(&yard->harbour.changed);
    definition_file_release(&yard->file);
    layout_free(yard->bases);
    layout_free(yard->workspace);
    free(yard->supervisor);
    free(yard->script);
    temp_folder_remove(yard->folder);
}

static struct assembly_plan plan_of(struct yard *yard, struct store *base)
{
    return (struct assembly_plan){
        .recipe = &yard->recipe,
        .base = base,
        .base_image = "base",
        .platforms = yard->platforms,
        .platform_count = 1,
        .workspace = yard->workspace,
    };
}

static void blobs_go_ahead_of_what_is_still_being_read(void **state)
{
    (void)state;
    struct error err;
    struct shipment_summary summary;
    owned(assembly) struct assembly made = {0};
    owned(image) struct image *base = NULL;
    owned(yard) struct yard yard;
    yard_init(&yard);
    owned(document) struct document document =
        sample_image(yard.bases, "base", "linux/amd64", NULL);

    assert_ok(image_open(layout_store(yard.bases), "base", NULL, &base, &err));
    struct late_base late = {
        .store.ops = &late_ops,
        .inner = layout_store(yard.bases),
        .harbour = &yard.harbour,
        .before_name = 2,   /* function and supervisor */
        .before_config = 3, /* and the base's layer */
        .config = &image_config_descriptor(base)->digest,
    };
    owned(store) struct store *both = store_union(layout_store(yard.workspace), &late.store);
    owned(shipment) struct shipment *ahead =
        shipment_new(both, &yard.harbour.store, &progress_none);
    struct assembly_plan plan = plan_of(&yard, &late.store);
    plan.ahead = ahead;

    assert_ok(assembly_make(&plan, &made, &err));
    assert_ok(shipment_wait(ahead, &summary, &err));
    assert_int_equal(summary.blobs_carried, 4); /* and the new config */
    assert_int_equal(yard.harbour.blobs, 4);
}

struct certainty {
    struct shipment *ahead;
    int calls;
    bool fails;
};

static bool become_certain(void *context, struct shipment **ahead, struct error *err)
{
    struct certainty *certainty = context;

    certainty->calls++;
    *ahead = certainty->ahead;
    return !certainty->fails || error_set(err, ERROR_DENIED, "no repository");
}

static void what_can_be_refused_is_refused_first(void **state)
{
    (void)state;
    static const struct {
        bool has_base, has_script, is_certain;
        int calls;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {true, true, true, 1, ERROR_NONE, NULL},
        {true, true, false, 1, ERROR_DENIED, "no repository"},
        {true, false, true, 0, ERROR_NOT_FOUND, "init script: "},
        {false, true, true, 0, ERROR_NOT_FOUND, "no tag 'base'"},
        {false, false, true, 0, ERROR_NOT_FOUND, "no tag 'base'"}, /* always the base's words */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct shipment_summary summary = {0};
        owned(assembly) struct assembly made = {0};
        owned(document) struct document document = {0};
        owned(yard) struct yard yard;
        yard_init(&yard);
        struct store *bases = layout_store(yard.bases);
        owned(store) struct store *both = store_union(layout_store(yard.workspace), bases);
        owned(shipment) struct shipment *ahead =
            shipment_new(both, &yard.harbour.store, &progress_none);
        struct certainty certainty = {.ahead = ahead, .fails = !cases[i].is_certain};
        struct assembly_plan plan = plan_of(&yard, bases);
        plan.on_certain = become_certain;
        plan.context = &certainty;

        if (cases[i].has_base)
            document = sample_image(yard.bases, "base", "linux/amd64", NULL);
        if (!cases[i].has_script)
            assert_int_equal(unlink(yard.script), 0);
        if (cases[i].kind == ERROR_NONE) {
            assert_ok(assembly_make(&plan, &made, &err));
            assert_ok(shipment_wait(ahead, &summary, &err));
        } else {
            assert_fails(assembly_make(&plan, &made, &err), cases[i].kind, cases[i].words);
        }
        assert_int_equal(certainty.calls, cases[i].calls);
        assert_int_equal(summary.blobs_carried, cases[i].kind == ERROR_NONE ? 4 : 0);
    }
}

/* Puts a base under the tag whose manifest, without spaces, has so many bytes. */
static void put_base(struct layout *layout, size_t size)
{
    owned(document) struct document plain = sample_image(layout, NULL, "linux/amd64", NULL);
    json_owned json_t *manifest = NULL;
    struct error err;

    assert_ok(document_parse(&plain, &manifest, &err));
    json_object_set_new(manifest, "annotations", json_pack("{s:s}", "a", ""));
    owned(memory) char *empty = json_text(manifest);
    owned(memory) char *filling = memory_new(size + 1, 1);
    memset(filling, 'x', size - strlen(empty));
    json_object_set_new(manifest, "annotations", json_pack("{s:s}", "a", filling));
    owned(memory) char *text = json_text(manifest);
    assert_int_equal(strlen(text), size);
    struct document document = plain;
    document.bytes = text;
    document.descriptor.size = size;
    document.descriptor.digest = digest_of(text, size);
    assert_ok(store_put_manifest(layout_store(layout), "base", &document, &err));
}

static void lambda_takes_small_manifests_only(void **state)
{
    (void)state;
    static const struct {
        size_t base_bytes;
        bool is_for_lambda, is_made, is_taken;
    } cases[] = {
        {LAMBDA_MANIFEST_LIMIT, false, true, false},
        {LAMBDA_MANIFEST_LIMIT, true, false, false}, /* before anything is sent */
        {LAMBDA_MANIFEST_LIMIT - 1, true, true, false},
        {LAMBDA_MANIFEST_LIMIT - 2000, true, true, true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(assembly) struct assembly made = {0};
        owned(yard) struct yard yard;
        yard_init(&yard);
        struct certainty certainty = {0};
        struct assembly_plan plan = plan_of(&yard, layout_store(yard.bases));
        plan.on_certain = become_certain;
        plan.context = &certainty;
        plan.is_for_lambda = cases[i].is_for_lambda;

        put_base(yard.bases, cases[i].base_bytes);
        if (!cases[i].is_made)
            assert_fails(assembly_make(&plan, &made, &err), ERROR_LIMIT,
                         "its manifest has 25400 bytes, Lambda takes less than 25400");
        else
            assert_ok(assembly_make(&plan, &made, &err));
        assert_int_equal(certainty.calls, cases[i].is_made);
        if (cases[i].is_made)
            assert_int_equal(assembly_check_manifests(&made, &err), cases[i].is_taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_go_ahead_of_what_is_still_being_read),
        cmocka_unit_test(what_can_be_refused_is_refused_first),
        cmocka_unit_test(lambda_takes_small_manifests_only),
    };
    return cmocka_run_group_tests_name("assembly", tests, NULL, NULL);
}
