/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/stage.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/supervisor/file_list.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { NAME_LIMIT = 255 }; /* bytes; what file systems take */

/* --- in
 * --------------------------------------------------------------------------------------- */

/* A key may be longer than a file's name: the end, which tells the type, is kept. */
static const char *clip(const char *name)
{
    size_t length = strlen(name);
    if (length <= NAME_LIMIT)
        return name;

    name += length - NAME_LIMIT;
    while (((unsigned char)*name & 0xC0) == 0x80) /* inside a character */
        name++;
    return name;
}

static bool bring(const struct stage *stage, const struct s3_account *account,
                  const struct s3_object *object, const char *file, struct error *err)
{
    owned(s3) struct s3 *s3 = s3_new(account, stage->environment, stage->deadline_ms);

    log_line(stage->log_level, LOG_INFO, "Downloading item from bucket '%s' with key '%s'",
             object->bucket, object->key);
    if (!s3_download(s3, object, file, err))
        return false;
    log_line(stage->log_level, LOG_INFO,
             "Successful download of file '%s' from bucket '%s' in path '%s'", object->key,
             object->bucket, file);
    return true;
}

bool stage_in(const struct stage *stage, const struct event *event, size_t index,
              const char *folder, char **file, struct error *err)
{
    const struct event_record *record = &event->records[index];
    const char *name = event_record_file_name(record);
    const struct s3_account *account;

    *file = NULL;
    if (!storage_account_of(stage->storage, event, &account, err))
        return false;
    if (!account) {
        log_line(stage->log_level, LOG_WARNING,
                 "There is no input storage provider defined for this function: the event "
                 "itself is the input.");
        return true;
    }
    log_line(stage->log_level, LOG_INFO, "Found '%s' input provider", account->name);
    if (!name)
        return true;

    /* Only Amazon's regions mean something to an account that may be anywhere. */
    bool knows_region = event->origin == EVENT_S3 && !account->endpoint;
    const struct s3_object object = {
        .bucket = record->bucket,
        .key = record->key,
        .region = knows_region ? record->region : NULL,
    };
    owned(memory) char *path = text_format("%s/%s", folder, clip(name));
    if (!bring(stage, account, &object, path, err))
        return false;
    *file = take(&path);
    return true;
}

/* --- out
 * -------------------------------------------------------------------------------------- */

static char *key_of(const struct storage_output *output, const char *path)
{
    return text_format("%s%s", output->folder, path);
}

static bool send_file(const struct stage *stage, const struct storage_output *output,
                      struct s3 *s3, const char *file, const char *key, struct error *err)
{
    const struct s3_object object = {.bucket = output->bucket, .key = key};

    log_line(stage->log_level, LOG_INFO, "Uploading file '%s' to bucket '%s'", key,
             output->bucket);
    return s3_upload(s3, &object, file, err) ||
           error_wrap(err, "upload to '%s'", output->account->name);
}

struct sending {
    const struct stage *stage;
    const char *folder;
    const struct file_list *files;
    struct error first;
    size_t failed;
};

static void send_to(struct sending *sending, const struct storage_output *output)
{
    const struct stage *stage = sending->stage;
    owned(s3) struct s3 *s3 = s3_new(output->account, stage->environment, stage->deadline_ms);
    struct error err = {0};

    log_line(stage->log_level, LOG_INFO,
             "Checking files for uploading to '%s' on path: '%s/%s'", output->account->name,
             output->bucket, output->folder);
    for (size_t i = 0; i < sending->files->count; i++) {
        const char *path = sending->files->paths[i];
        if (!storage_output_takes(output, path))
            continue;
        owned(memory) char *file = text_format("%s/%s", sending->folder, path);
        owned(memory) char *key = key_of(output, path);
        if (send_file(stage, output, s3, file, key, &err))
            continue;
        log_line(stage->log_level, LOG_ERROR, "%s", err.text);
        if (sending->failed++ == 0)
            sending->first = err;
        if (err.kind == ERROR_LIMIT)
            return; /* the time is up for the next one, too */
    }
}

bool stage_out(const struct stage *stage, const char *folder, struct error *err)
{
    const struct storage *storage = stage->storage;
    owned(file_list) struct file_list files = {0};
    if (storage->output_count == 0)
        return true;

    log_line(stage->log_level, LOG_INFO, "Searching for files to upload in folder '%s'",
             folder);
    if (!file_list_read(folder, stage->log_level, &files, err))
        return error_wrap(err, "TMP_OUTPUT_DIR");

    struct sending sending = {.stage = stage, .folder = folder, .files = &files};
    for (size_t i = 0; i < storage->output_count && files.count > 0; i++)
        send_to(&sending, &storage->outputs[i]);
    if (sending.failed == 0)
        return true;
    *err = sending.first;
    return sending.failed > 1 ? error_wrap(err, "%zu files, the first one", sending.failed)
                              : false;
}

bool stage_out_file(const struct stage *stage, const char *file, const char *name, char **place,
                    struct error *err)
{
    const struct storage_output *output = &stage->storage->outputs[0];
    owned(s3) struct s3 *s3 = s3_new(output->account, stage->environment, stage->deadline_ms);
    owned(memory) char *key = key_of(output, name);

    if (!send_file(stage, output, s3, file, key, err))
        return false;
    *place =
        text_format("'%s' in bucket '%s' of %s", key, output->bucket, output->account->name);
    return true;
}
