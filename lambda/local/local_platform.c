/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/local_platform.h"
#include "lambda/function_environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lambda/function_environment.h"
#include "lambda/local/emulation.h"
#include "lambda/local/function_repository.h"
#include "lambda/local/function_start.h"
#include "lambda/local/functions.h"
#include "lambda/local/instance.h"
#include "lambda/local/log_file.h"
#include "lambda/local/log_reading.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/layout.h"

struct local_platform {
    struct platform platform;
    struct local_options options;
    char *folder;
    struct layout *layout; /* NULL until it is needed */
    struct function_repository repository;
    int lock;     /* -1: not held */
    bool is_made; /* a function, by create() */

    /* The function that was invoked last, warm or not; all empty before. */
    struct local_function function;
    struct instance *instance;
};

/* --- helpers -------------------------------------------------------------------------------
 */

static void let_go(struct local_platform *local)
{
    if (local->lock >= 0)
        close(local->lock);
    local->lock = -1;
}

static bool take_lock(struct local_platform *local, struct error *err)
{
    return local->lock >= 0 ||
           functions_lock(local->folder, local->options.progress, &local->lock, err);
}

static bool open_layout(struct local_platform *local, bool make, struct error *err)
{
    owned(memory) char *path = text_format("%s/images", local->folder);

    return local->layout || layout_open(path, make, &local->layout, err);
}

static void forget_function(struct local_platform *local)
{
    instance_free(take(&local->instance));
    local_function_release(&local->function);
}

/* --- what a platform does ------------------------------------------------------------------
 */

static bool local_find(struct platform *self, const struct definition *definition,
                       struct platform_function *out, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    owned(function_record) struct function_record record = {0};

    if (!definition_check_name(definition->name, err))
        return false;
    if (!functions_has(local->folder, definition->name))
        return true;
    if (!functions_read(local->folder, definition->name, &record, err))
        return false;
    *out = (struct platform_function){.exists = true, .image_uri = take(&record.image_uri)};
    return true;
}

/* With `make` the folder is locked from here until the function is there: nobody may collect
 * what is being brought. */
static bool local_open_repository(struct platform *self, const struct definition *definition,
                                  bool make, struct platform_repository *out, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    struct function_repository *repository = &local->repository;
    owned(memory) char *images = text_format("%s/images", local->folder);

    if (!definition_check_name(definition->name, err))
        return false;
    if (!make && !file_exists(images))
        return true;
    if ((make && !take_lock(local, err)) || !open_layout(local, make, err))
        return false;
    function_repository_release(repository);
    function_repository_init(repository, local->layout, definition->name);
    *out = (struct platform_repository){
        .store = &repository->store,
        .uri = text_format("skiff.local/%s", definition->name),
    };
    return true;
}

static void tell_of_inputs(const struct local_platform *local,
                           const struct definition *definition)
{
    if (json_array_size(json_object_get(definition->config, "input")) > 0)
        progress_step(local->options.progress,
                      "No bucket calls a function on this machine; 'skiff --local run -n %s -p "
                      "EVENT' does.",
                      definition->name);
}

/* What runs here runs there, or it is said. */
static void tell_of_variables(const struct local_platform *local,
                              const struct function_record *record)
{
    struct error too_large;

    if (!function_environment_check(record->name, record->environment, &too_large))
        progress_warn(local->options.progress, "%s", too_large.text);
}

/* Makes the record the function's, who has `former` or nothing before. */
static bool write_locked(struct local_platform *local, const struct platform_change *change,
                         const struct function_record *former, bool *changed, struct error *err)
{
    owned(function_record) struct function_record record = {0};
    owned(image) struct image *image = NULL;

    if (!function_record_make(change->definition, change->image_uri, &record, err) ||
        !open_layout(local, true, err) ||
        !image_open(layout_store(local->layout), digest_format(&record.image).text, NULL,
                    &image, err))
        return false;
    record.bases = image_root_bases(image);
    if (former)
        function_environment_merge(record.environment, former->environment,
                                   &change->environment);
    *changed = !former || !function_record_equal(former, &record);
    if (*changed) {
        tell_of_inputs(local, change->definition);
        tell_of_variables(local, &record);
    }
    return (!*changed ||
            functions_write(local->folder, &record, clock_now(local->options.clock), err)) &&
           function_repository_settle(local->layout, record.name, err);
}

static bool create_locked(struct local_platform *local, const struct platform_change *change,
                          struct error *err)
{
    const char *name = change->definition->name;
    bool changed;

    if (functions_has(local->folder, name))
        return error_set(err, ERROR_CONFLICT,
                         "function '%s' exists already; remove it with: skiff --local rm -n %s",
                         name, name);
    return write_locked(local, change, NULL, &changed, err);
}

static char *make_arn(const char *name)
{
    owned(function_names) struct function_names names = {0};

    function_names_make(name, &names);
    return take(&names.arn);
}

static bool local_create(struct platform *self, const struct platform_change *change,
                         char **arn, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    const char *name = change->definition->name;

    if (!definition_check_name(name, err) || !take_lock(local, err))
        return false;
    local->is_made = create_locked(local, change, err);
    let_go(local);
    if (!local->is_made)
        return error_wrap(err, "create function '%s'", name);
    *arn = make_arn(name);
    return true;
}

/* The former image is rubbish from now on. */
static bool update_locked(struct local_platform *local, const struct platform_change *change,
                          struct error *err)
{
    owned(function_record) struct function_record former = {0};
    bool changed;

    if (!functions_read(local->folder, change->definition->name, &former, err) ||
        !write_locked(local, change, &former, &changed, err))
        return false;
    progress_step(local->options.progress,
                  changed ? "Function '%s' updated."
                          : "Function '%s' is as the definition has "
                            "it.",
                  change->definition->name);
    return !changed ||
           (layout_collect(local->layout, err) && functions_sweep(local->folder, err));
}

static bool local_update(struct platform *self, const struct platform_change *change,
                         char **arn, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    const char *name = change->definition->name;

    if (!definition_check_name(name, err) || !take_lock(local, err))
        return false;
    forget_function(local);
    bool updated = update_locked(local, change, err);
    let_go(local);
    if (!updated)
        return error_wrap(err, "update function '%s'", name);
    *arn = make_arn(name);
    return true;
}

static bool local_plan(struct platform *self, const struct platform_change *change,
                       json_t *calls, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    const char *name = change->definition->name;
    owned(function_record) struct function_record former = {0};
    owned(function_record) struct function_record wanted = {0};

    if (!functions_has(local->folder, name)) {
        json_array_append_new(calls, json_sprintf("create function %s", name));
        return true;
    }
    if (!functions_read(local->folder, name, &former, err) ||
        !function_record_make(change->definition, change->image_uri, &wanted, err))
        return false;
    function_environment_merge(wanted.environment, former.environment, &change->environment);
    if (!function_record_equal(&former, &wanted))
        json_array_append_new(calls, json_sprintf("update function %s", name));
    return true;
}

static bool make_root(struct local_platform *local, const struct image *image,
                      struct image_root *out, struct error *err)
{
    const struct digest *manifest = &image_document(image)->descriptor.digest;

    return image_root_make(local->folder, layout_store(local->layout), image,
                           local->options.progress, err) &&
           (image_root_open(local->folder, manifest, out) ||
            error_set_errno(err, "open the image's files"));
}

/* Nobody takes away under the lock what was made and is not yet open. */
static bool open_root(struct local_platform *local, const struct image *image,
                      struct image_root *out, struct error *err)
{
    if (image_root_open(local->folder, &image_document(image)->descriptor.digest, out))
        return true;
    if (!take_lock(local, err))
        return false;
    bool opened = make_root(local, image, out, err);
    let_go(local);
    return opened;
}

static bool open_image(struct local_platform *local, const struct function_record *record,
                       struct image **out, struct error *err)
{
    if (open_layout(local, false, err) &&
        image_open(layout_store(local->layout), digest_format(&record->image).text, NULL, out,
                   err))
        return true;
    if (err->kind != ERROR_NOT_FOUND)
        return false;
    return error_wrap(err,
                      "the image of function '%s' is gone; remove the function and make "
                      "it again",
                      record->name);
}

/* Whether the other machine's programs run shows when one is started: the host may see to it.
 */
static void find_emulation(const struct local_platform *local, struct local_function *function)
{
    const struct platform_spec *wanted = image_platform(function->image);

    if (platform_spec_matches(wanted, &local->options.machine))
        return;
    function->foreign = memory_copy_string(platform_spec_format(wanted).text);
    owned(memory) char *program =
        emulation_find(wanted->architecture, local->options.search_path);
    if (program)
        function->emulation = emulation_line(wanted->architecture, program);
}

bool local_platform_function(struct platform *self, const char *name,
                             struct local_function *out, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    struct function_record *record = &out->record;

    *out = (struct local_function){0};
    if (!definition_check_name(name, err) || !functions_read(local->folder, name, record, err))
        return false;
    if (!open_image(local, record, &out->image, err) ||
        !open_root(local, out->image, &out->root, err)) {
        local_function_release(out);
        return false;
    }
    find_emulation(local, out);
    out->place = (struct sandbox_place){
        .root = out->root.path,
        .tmp_mib = record->ephemeral_storage_mib,
        .memory_mib = record->memory_mib,
        .foreign = out->foreign,
        .emulation = out->emulation,
        .progress = local->options.progress,
    };
    return true;
}

void local_function_release(struct local_function *function)
{
    function_record_release(&function->record);
    image_free(function->image);
    image_root_release(&function->root);
    free(function->foreign);
    free(function->emulation);
    *function = (struct local_function){0};
}

void local_platform_keep_log(struct platform *self, const char *name, const char *log)
{
    struct local_platform *local = (struct local_platform *)self;
    owned(memory) char *path = functions_path(local->folder, name, "log");
    struct error trouble;

    if (!functions_has(local->folder, name))
        return; /* it was removed, and its log with it */
    if (!log_file_add(path, log, &trouble))
        progress_warn(local->options.progress, "the log is not kept: %s", trouble.text);
}

/* Finds the function, or the one that is warm, unless it has changed meanwhile. */
static bool open_function(struct local_platform *local, const char *name, struct error *err)
{
    owned(function_record) struct function_record record = {0};

    if (local->instance) {
        if (!functions_read(local->folder, name, &record, err))
            return false;
        if (function_record_equal(&record, &local->function.record))
            return true;
    }
    forget_function(local);
    if (!local_platform_function(&local->platform, name, &local->function, err))
        return false;
    const struct instance_options options = {
        .function = &local->function.record,
        .image = local->function.image,
        .place = &local->function.place,
        .clock = local->options.clock,
        .stop_fd = -1,
    };
    local->instance = instance_new(&options);
    return true;
}

static bool local_invoke(struct platform *self, const char *name, const struct event *event,
                         struct invocation *out, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    owned(instance_result) struct instance_result result = {0};
    const struct instance_event given = {
        .payload = event->payload, .count = event->count, .is_last = !event->more_follow};

    if (event->count > LOCAL_PAYLOAD_LIMIT)
        return error_set(err, ERROR_LIMIT, "a payload of %zu bytes; Lambda takes %d",
                         event->count, LOCAL_PAYLOAD_LIMIT);
    if (!open_function(local, name, err) ||
        !instance_invoke(local->instance, &given, &result, err))
        return false;
    local_platform_keep_log(self, name, result.log);
    *out = result.invocation;
    result.invocation = (struct invocation){0};
    return true;
}

static bool local_log(struct platform *self, const char *name,
                      const struct platform_log_wish *wish, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    owned(memory) char *path = functions_path(local->folder, name, "log");

    if (!functions_has(local->folder, name))
        return error_set(err, ERROR_NOT_FOUND, "no function '%s' on this machine", name);
    return log_reading_tell(path, wish, local->options.clock, err);
}

static bool remove_file(const char *folder, const char *name, const char *suffix,
                        struct error *err)
{
    owned(memory) char *path = functions_path(folder, name, suffix);

    if (unlink(path) != 0 && errno != ENOENT)
        return error_set_errno(err, "remove '%.200s'", path);
    return true;
}

static bool refuse_absent(const char *name, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "no function '%s' on this machine", name);
}

/* A function that never came to be may have left a part of its image. */
static bool sweep(struct local_platform *local, struct error *err)
{
    return open_layout(local, true, err) && layout_collect(local->layout, err) &&
           functions_sweep(local->folder, err);
}

/* The record goes last but one: until then the function can be removed again, and what is
 * left of it afterwards is anybody's to sweep. */
static bool remove_locked(struct local_platform *local, const char *name, struct error *err)
{
    if (!functions_has(local->folder, name))
        return sweep(local, err) && refuse_absent(name, err);
    owned(memory) char *next = function_repository_next_tag(name);
    return open_layout(local, true, err) && layout_remove_tag(local->layout, name, err) &&
           layout_remove_tag(local->layout, next, err) && layout_collect(local->layout, err) &&
           remove_file(local->folder, name, "log", err) &&
           remove_file(local->folder, name, "json", err) && functions_sweep(local->folder, err);
}

static bool local_remove(struct platform *self, const char *name, struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;

    if (!definition_check_name(name, err))
        return false;
    /* A wrong name must not make folders. */
    owned(memory) char *images = text_format("%s/images", local->folder);
    if (!file_exists(images))
        return refuse_absent(name, err);
    if (!take_lock(local, err))
        return false;
    forget_function(local); /* so that it is not we who run in what goes */
    bool removed = remove_locked(local, name, err);
    let_go(local);
    if (removed)
        progress_step(local->options.progress, "Function '%s' and its image removed.", name);
    return removed;
}

static bool local_list(struct platform *self, json_t *functions, struct error *err)
{
    return functions_list(((struct local_platform *)self)->folder, functions, err);
}

/* An update takes the former image along, so there is never one too many. */
static bool local_prune(struct platform *self, const char *name,
                        const struct platform_pruning *pruning, json_t *removed,
                        struct error *err)
{
    (void)self, (void)pruning, (void)removed;
    return definition_check_name(name, err);
}

/* An update is written as a whole or not at all, so there is only a creation to undo. */
static bool local_undo(struct platform *self, const char *name, const char *image_uri,
                       struct error *err)
{
    struct local_platform *local = (struct local_platform *)self;
    (void)image_uri; /* goes with the function, or when nobody needs it */

    let_go(local);
    return !local->is_made || local_remove(self, name, err);
}

static void local_free(struct platform *self)
{
    struct local_platform *local = (struct local_platform *)self;

    forget_function(local);
    let_go(local);
    layout_free(local->layout);
    function_repository_release(&local->repository);
    free(local->folder);
    free(local);
}

static const struct platform_ops local_ops = {
    .is_local = true,
    .find = local_find,
    .open_repository = local_open_repository,
    .create = local_create,
    .update = local_update,
    .plan = local_plan,
    .list = local_list,
    .prune = local_prune,
    .undo = local_undo,
    .invoke = local_invoke,
    .log = local_log,
    .remove = local_remove,
    .free = local_free,
};

bool local_platform_open(const struct local_options *options, struct platform **out,
                         struct error *err)
{
    (void)err;
    struct local_platform *local = memory_new(1, sizeof *local);

    local->platform.ops = &local_ops;
    local->options = *options;
    local->folder = memory_copy_string(options->folder);
    local->options.folder = local->folder;
    local->lock = -1;
    *out = &local->platform;
    return true;
}
