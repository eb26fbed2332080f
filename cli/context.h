/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every command may use: opened when first asked for, closed once.
 *
 * Here the machine's clock, environment and terminal turn into the values that
 * the rooms below are handed.
 */

#include <time.h>

#include "cli/describe.h"
#include "cli/option.h"
#include "lambda/aws/aws_session.h"
#include "lambda/platform.h"
#include "oci/base/progress.h"
#include "oci/layout.h"
#include "oci/location.h"
#include "registry/registry_login.h"

/* The options every command has. */
struct global_values {
    bool help;
    bool version;
    bool json;
    bool quiet;
    bool local;
    const char *profile;
    const char *region;
    const char *ca_file;
    int timeout_s; /* 0: the usual one */
    bool timings;
    struct option_list mirrors;
    struct option_list plain_http;
};

struct context;

/** `environment` is borrowed. With `news_on_stderr` stdout stays free for the result. */
struct context *context_new(const struct global_values *globals, const char *const *environment,
                            bool news_on_stderr);
void context_free(struct context *context);

const struct global_values *context_globals(const struct context *context);
struct progress *context_progress(struct context *context);
const char *const *context_environment(const struct context *context);
time_t context_now(struct context *context);

/** The time stamp of everything made: SOURCE_DATE_EPOCH, or 0. ERROR_USAGE when that is no
 * number. */
bool context_created(const struct context *context, time_t *out, struct error *err) MUST_CHECK;

/** The folder layout new bytes are born in; it goes with the context, or when a signal ends us.
 */
bool context_workspace(struct context *context, struct layout **out,
                       struct error *err) MUST_CHECK;

/** The private folder it is in, for files; borrowed. */
bool context_workspace_folder(struct context *context, const char **out,
                              struct error *err) MUST_CHECK;

/** Says who we are at a registry, instead of looking it up. */
bool context_set_login(struct context *context, const char *host,
                       const struct registry_login *login, struct error *err) MUST_CHECK;

/** The same, and asks the registry whether that is right. */
bool context_check_login(struct context *context, const char *host,
                         const struct registry_login *login, struct error *err) MUST_CHECK;

/** Opens the place an image is at, or, with `make`, is going to be. `*store` is the context's.
 */
bool context_store(struct context *context, const struct location *location, bool make,
                   struct store **store, struct error *err) MUST_CHECK;

/** Opens the place an image is taken from to go elsewhere, and says what to ask it for; `*name`
 * is the caller's to free(). A docker archive's layers, which are plain, are gzip'd first. */
bool context_image(struct context *context, const struct location *location,
                   struct store **store, char **name, struct error *err) MUST_CHECK;

/** What a client of AWS is opened with. Everything in it is the context's, but for `region`,
 *  which counts where no option says one. */
bool context_aws(struct context *context, const char *region, struct aws_options *out,
                 struct error *err) MUST_CHECK;

/** Who runs functions: AWS, or this machine with --local. The context's. */
bool context_platform(struct context *context, const char *region, struct platform **out,
                      struct error *err) MUST_CHECK;

/** This machine, even without --local. The context's. */
bool context_this_machine(struct context *context, struct platform **out,
                          struct error *err) MUST_CHECK;

/** Has skiff end with this status, though nothing failed. */
void context_end_with(struct context *context, int status);
int context_exit_status(const struct context *context);

struct clock *context_clock(struct context *context);

/** How the terminal wants to be written to. */
struct describe_look context_look(const struct context *context);

/** What this machine runs: "linux/amd64". */
struct platform_spec context_machine(void);

static inline void context_cleanup(struct context **variable)
{
    context_free(*variable);
}
