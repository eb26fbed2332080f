/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What function.yaml says, checked and with the defaults filled in.
 *
 * The form is SCAR's: functions: aws: - lambda: {name, memory, init_script,
 * container: {image, environment}} and its neighbours. Once read, a definition
 * is complete: no room after this one looks for a missing field or knows a
 * default. Errors carry file, line and column.
 */

#include <jansson.h>
#include <stddef.h>

#include "oci/base/progress.h"
#include "oci/platform_spec.h"

/* What the command line says; it wins over the file. NULL, 0 or an empty list: says nothing. */
struct definition_options {
    const char *image;
    const char *image_file; /* what "docker save" wrote; wins over image */
    const char *name;
    const char *script; /* relative to the working directory */
    const char *description;
    const char *role;
    bool creates_role; /* where no role is given */
    const char *region;
    const char *log_level;
    int memory_mib;
    int timeout_s;
    int timeout_threshold_s;
    const char *input;              /* "bucket/folder" of S3; after the file's */
    const char *output;             /* likewise */
    const char *const *environment; /* "NAME=value", ended by NULL: container.environment */
    const char *const *function_environment; /* the same for environment */
    const char *const *variables; /* where "NAME" alone in both has its value; may be NULL */
    const char *const *copies;    /* "SRC:DEST", ended by NULL; after the file's */
    const char *extra_payload;    /* a folder for /var/task */
    bool name_is_optional;        /* for build, which makes no function */
};

enum {
    COPIES_LIMIT = 32,           /* each is a layer */
    CONCURRENCY_UNRESERVED = -1, /* 0 is a function that never runs */
};

/* How events reach the function's program. */
enum supervisor_mode {
    SUPERVISOR_SCAR, /* as in SCAR: a file and variables, and the output as the answer */
    SUPERVISOR_RAW,  /* stdin and stdout */
    SUPERVISOR_HTTP, /* requests to a server */
    SUPERVISOR_NONE, /* it asks Lambda itself: there is no supervisor in the image */
};

/* A folder or file of this machine that the image gets. */
struct definition_copy {
    const char *source; /* host path */
    const char *path;   /* in the image, without a slash in front: of the folder or of the file;
                           "" is the root */
    unsigned int mode;  /* of files; 0: by whether they may be run */
};

/* All pointers live as long as the definition_file. */
struct definition {
    const char *name; /* NULL only where it is optional */
    const char *description;
    const char *role;   /* ARN; NULL when none is given */
    bool creates_role;  /* then one is made for the function */
    const char *region; /* NULL when the definition leaves it to the caller */
    const char *image;  /* base image, as written */
    const char *script; /* host path of the init script; NULL: nothing to put into the image */
    const char *script_name; /* what it is called in the image; NULL for none */
    struct definition_copy copies[COPIES_LIMIT]; /* in the order of their layers */
    size_t copy_count;
    int memory_mib;
    int timeout_s;
    int log_retention_days;
    /* An ECR image that is used as it is: create_image is false, or is not given and there is
     * no script to put in. */
    bool image_is_prepared;
    enum supervisor_mode supervisor_mode;
    bool delete_image;                     /* rm takes the image along */
    struct platform_spec architectures[2]; /* the function runs on the first */
    size_t architecture_count;             /* at least 1 */
    const json_t *environment;             /* of the function: object of strings */
    const json_t *container_environment;   /* of the script and the image: object of strings */
    const json_t *tags;                    /* object of strings */
    const json_t *vpc;                     /* NULL when not given; as Lambda takes it */
    const json_t *file_system;             /* NULL when not given; array as Lambda takes it */
    const json_t *image_config;            /* NULL when not given; as Lambda takes it */
    const json_t *logging;                 /* likewise: LoggingConfig */
    const json_t *function_url;            /* likewise; NULL: no URL */
    int ephemeral_storage_mib;
    int concurrency;                 /* reserved; CONCURRENCY_UNRESERVED for none */
    const char *tracing;             /* "Active" or "PassThrough" */
    const char *kms_key;             /* ARN; NULL: AWS's own */
    const char *dead_letter;         /* ARN; NULL for none */
    bool publish;                    /* each deployment is a version */
    const char *alias;               /* names the newest version; NULL for none */
    const json_t *storage_providers; /* NULL when not given; has secrets */
    /* The lambda section as the supervisor reads it: script reduced to its base name, defaults
     * in, nothing secret. */
    const json_t *config;
};

struct definition_file {
    struct definition *functions;
    size_t function_count; /* at least 1 */
    struct definition_memory *memory;
};

/** Reads the functions of the file at `path`; with `path` NULL makes one of the options alone.
 *  ERROR_USAGE says file:line:column and the offending value. Unknown keys are warned about,
 * with the nearest known key. */
bool definition_file_read(const char *path, const struct definition_options *options,
                          struct progress *progress, struct definition_file *out,
                          struct error *err) MUST_CHECK;
void definition_file_release(struct definition_file *file);

/** Whether Lambda takes `name` as a function's name: 1 to 64 of a-z A-Z 0-9 - _. ERROR_USAGE.
 */
bool definition_check_name(const char *name, struct error *err) MUST_CHECK;

static inline void definition_file_cleanup(struct definition_file *file)
{
    definition_file_release(file);
}
