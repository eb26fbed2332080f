/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/progress_terminal.h"
#include "cli/secret.h"
#include "cli/settings.h"
#include "lambda/aws/ecr_registry.h"
#include "lambda/local/local_platform.h"
#include "layers/image_archive.h"
#include "layers/layers_compress.h"
#include "oci/base/clock.h"
#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/http_counting.h"
#include "registry/http_curl.h"
#include "registry/http_retry.h"
#include "registry/registry.h"

enum { LAYOUTS_LIMIT = 64, STORES_LIMIT = 3 * LAYOUTS_LIMIT, REMOVAL_TRIES = 20 };

struct context {
    struct global_values globals;
    const char *const *environment;
    struct clock clock;
    struct progress *progress;
    struct round_trips round_trips;
    struct http *http;     /* to registries */
    struct http *aws_http; /* to AWS */
    struct known_host {
        char host[sizeof((struct reference *)0)->host];
        struct known_host *next;
    } * known_hosts; /* whose login is no question any more */
    struct registries *registries;
    struct layout *workspace;
    char *workspace_path;
    bool watches_signals;
    atomic_bool is_closing;
    pthread_t signal_thread;
    struct layout *layouts[LAYOUTS_LIMIT];
    size_t layout_count;
    struct store *stores[STORES_LIMIT]; /* archives, and unions over them */
    size_t store_count;
    struct platform *platform;
    int exit_status;
};

static time_t system_now(struct clock *self)
{
    (void)self;
    return time(NULL);
}

static void system_sleep(struct clock *self, unsigned int wait_ms)
{
    struct timespec left = {wait_ms / 1000, (long)(wait_ms % 1000) * 1000000};
    (void)self;

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static const struct clock_ops system_clock_ops = {.now = system_now, .sleep = system_sleep};

static struct progress *open_progress(const struct context *context, bool news_on_stderr)
{
    FILE *out = news_on_stderr || context->globals.json ? stderr : stdout;
    bool terminal = isatty(fileno(out)) && environment_get(context->environment, "TERM");
    struct winsize size = {0};

    if (terminal && ioctl(fileno(out), TIOCGWINSZ, &size) != 0)
        size.ws_col = 80;
    const struct progress_terminal_options options = {
        .bars = terminal,
        .color = terminal && !environment_get(context->environment, "NO_COLOR"),
        .quiet = context->globals.quiet,
        .columns = size.ws_col,
    };
    return progress_terminal_new(out, &options);
}

static sigset_t ending_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    return signals;
}

/* Threads at work may put something into the folder while it is emptied; they get nowhere once
 * it is gone. */
static void remove_workspace(const struct context *context)
{
    struct error err;

    for (int tries = 0; tries < REMOVAL_TRIES; tries++)
        if (folder_remove(context->workspace_path, &err))
            return;
    fprintf(stderr, "skiff: %s\n", err.text);
}

/* Ctrl-C and kill take the workspace along. A thread of its own waits for them, so that
 * cleaning up happens in ordinary code and not in a signal handler. */
static void *end_on_signal(void *argument)
{
    struct context *context = argument;
    sigset_t signals = ending_signals();
    int number;

    sigwait(&signals, &number);
    if (atomic_load(&context->is_closing))
        return NULL;
    remove_workspace(context);
    signal(number, SIG_DFL);
    /* This one only: another may wait, from whoever is closing at this moment. */
    sigemptyset(&signals);
    sigaddset(&signals, number);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    raise(number);
    _exit(128 + number);
}

/* Signals wait from before the folder is there, so that none comes in between. */
static bool make_workspace_folder(struct context *context, struct error *err)
{
    const char *temporary = environment_get(context->environment, "TMPDIR");
    sigset_t signals = ending_signals();

    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    bool made = folder_make_temporary(temporary ? temporary : "/tmp", "skiff-",
                                      &context->workspace_path, err);
    if (made)
        context->watches_signals =
            pthread_create(&context->signal_thread, NULL, end_on_signal, context) == 0;
    if (!context->watches_signals)
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    return made;
}

struct context *context_new(const struct global_values *globals, const char *const *environment,
                            bool news_on_stderr)
{
    struct context *context = memory_new(1, sizeof *context);
    const char *local = environment_get(environment, "SKIFF_LOCAL");

    context->globals = *globals;
    context->globals.local |= local && strcmp(local, "0") != 0;
    context->environment = environment;
    context->clock.ops = &system_clock_ops;
    round_trips_init(&context->round_trips);
    context->progress = open_progress(context, news_on_stderr);
    return context;
}

void context_free(struct context *context)
{
    struct error err;

    if (!context)
        return;
    if (context->watches_signals) {
        atomic_store(&context->is_closing, true);
        pthread_kill(context->signal_thread, SIGTERM);
        pthread_join(context->signal_thread, NULL);
    }
    if (context->globals.timings)
        progress_step(context->progress, "%u round trips, %u of them one after the other",
                      context->round_trips.count, context->round_trips.longest_chain);
    platform_free(context->platform);
    while (context->known_hosts) {
        struct known_host *known = context->known_hosts;
        context->known_hosts = known->next;
        free(known);
    }
    registries_free(context->registries);
    http_free(context->http);
    http_free(context->aws_http);
    while (context->store_count > 0)
        store_free(context->stores[--context->store_count]);
    for (size_t i = 0; i < context->layout_count; i++)
        layout_free(context->layouts[i]);
    layout_free(context->workspace);
    if (context->workspace_path && !folder_remove(context->workspace_path, &err))
        progress_warn(context->progress, "%s", err.text);
    progress_terminal_free(context->progress);
    round_trips_release(&context->round_trips);
    free(context->workspace_path);
    free(context);
}

const struct global_values *context_globals(const struct context *context)
{
    return &context->globals;
}

const char *const *context_environment(const struct context *context)
{
    return context->environment;
}

void context_end_with(struct context *context, int status)
{
    context->exit_status = status;
}

int context_exit_status(const struct context *context)
{
    return context->exit_status;
}

time_t context_now(struct context *context)
{
    return clock_now(&context->clock);
}

struct progress *context_progress(struct context *context)
{
    return context->progress;
}

bool context_created(const struct context *context, time_t *out, struct error *err)
{
    const char *text = environment_get(context->environment, "SOURCE_DATE_EPOCH");
    char *end;

    *out = 0;
    if (!text)
        return true;
    errno = 0;
    long long seconds = strtoll(text, &end, 10);
    /* Up to the year 2242: what a tar header's field holds. */
    if (errno != 0 || *end != '\0' || seconds < 0 || seconds > 077777777777)
        return error_set(err, ERROR_USAGE,
                         "SOURCE_DATE_EPOCH '%.40s' is not a number of seconds", text);
    *out = (time_t)seconds;
    return true;
}

bool context_workspace(struct context *context, struct layout **out, struct error *err)
{
    if (!context->workspace &&
        (!make_workspace_folder(context, err) ||
         !layout_open(context->workspace_path, true, &context->workspace, err)))
        return error_wrap(err, "workspace");
    *out = context->workspace;
    return true;
}

bool context_workspace_folder(struct context *context, const char **out, struct error *err)
{
    struct layout *workspace;

    if (!context_workspace(context, &workspace, err))
        return false;
    *out = context->workspace_path;
    return true;
}

static struct http *open_http(struct context *context, const char *ca_file)
{
    const unsigned int timeout_s = (unsigned int)context->globals.timeout_s;
    const struct http_curl_options options = {
        .connect_s = timeout_s, /* 0 for the usual one, as below */
        .silence_s = timeout_s,
        .user_agent = "skiff/" SKIFF_VERSION,
        .ca_file = context->globals.ca_file ? context->globals.ca_file : ca_file,
        .environment = context->environment,
    };

    return http_counting(http_curl(&options), &context->round_trips);
}

static bool open_registries(struct context *context, struct error *err)
{
    if (context->registries)
        return true;
    context->http = http_retrying(open_http(context, NULL), &context->clock, &http_retry_usual);
    context->registries = registries_new(context->http, context->environment);
    return settings_apply(&context->globals, context->environment, context->registries, err);
}

static bool knows_host(const struct context *context, const char *host)
{
    for (const struct known_host *each = context->known_hosts; each; each = each->next)
        if (strcmp(each->host, host) == 0)
            return true;
    return false;
}

static void note_host(struct context *context, const char *host)
{
    struct known_host *known = memory_new(1, sizeof *known);

    snprintf(known->host, sizeof known->host, "%s", host);
    known->next = context->known_hosts;
    context->known_hosts = known;
}

bool context_set_login(struct context *context, const char *host,
                       const struct registry_login *login, struct error *err)
{
    if (!open_registries(context, err))
        return false;
    registries_set_login(context->registries, host, NULL, login);
    note_host(context, host);
    return true;
}

bool context_check_login(struct context *context, const char *host,
                         const struct registry_login *login, struct error *err)
{
    return context_set_login(context, host, login, err) &&
           registries_check_login(context->registries, host, err);
}

static bool ask_code(const char *question, char **answer, struct error *err)
{
    return secret_read(question, true, answer, err);
}

/* AWS has rules of its own for trying again, so nothing tries again behind its back. */
static bool open_aws_http(struct context *context, struct error *err)
{
    owned(aws_settings) struct aws_settings settings = {0};

    if (context->aws_http)
        return true;
    if (!aws_settings_open(context->environment, context->globals.profile, &settings, err))
        return false;
    owned(memory) char *bundle = aws_settings_get(&settings, "AWS_CA_BUNDLE", "ca_bundle");
    owned(memory) char *path = bundle ? aws_settings_path(&settings, bundle) : NULL;
    context->aws_http = open_http(context, path);
    return true;
}

bool context_aws(struct context *context, const char *region, struct aws_options *out,
                 struct error *err)
{
    if (!open_registries(context, err) || !open_aws_http(context, err))
        return false;
    *out = (struct aws_options){
        .http = context->aws_http,
        .registries = context->registries,
        .environment = context->environment,
        .profile = context->globals.profile,
        .region = context->globals.region ? context->globals.region : region,
        .clock = &context->clock,
        .progress = context->progress,
        .ask = secret_can_ask() ? ask_code : NULL,
    };
    return true;
}

/* ECR's registries take AWS's credentials; all others look for logins when they want one. */
static bool ensure_login(struct context *context, const char *host, struct error *err)
{
    if (!ecr_registry_takes_credentials(host) || knows_host(context, host))
        return true;
    struct aws_options options;
    if (!context_aws(context, NULL, &options, err) || !ecr_registry_log_in(&options, host, err))
        return false;
    note_host(context, host);
    return true;
}

static bool open_archive(struct context *context, const struct location *location, bool make,
                         struct store **store, struct error *err)
{
    bool is_docker = location->kind == LOCATION_DOCKER_ARCHIVE;
    struct layout *workspace;

    if (context->store_count == STORES_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d archives", STORES_LIMIT);
    if (!context_workspace(context, &workspace, err))
        return false;
    const char *folder = context->workspace_path;
    bool opened = make ? (is_docker ? docker_archive_create
                                    : oci_archive_create)(location->path, folder, store, err)
                       : (is_docker ? docker_archive_open
                                    : oci_archive_open)(location->path, folder, store, err);
    if (opened)
        context->stores[context->store_count++] = *store;
    return opened;
}

bool context_store(struct context *context, const struct location *location, bool make,
                   struct store **store, struct error *err)
{
    if (location->kind == LOCATION_REGISTRY) {
        const struct reference *reference = &location->reference;
        if (!open_registries(context, err) || !ensure_login(context, reference->host, err))
            return false;
        *store = make ? registries_repository(context->registries, reference->host,
                                              reference->repository)
                      : registries_source(context->registries, reference->host,
                                          reference->repository);
        return true;
    }
    if (location->kind != LOCATION_LAYOUT)
        return open_archive(context, location, make, store, err);
    if (context->layout_count == LAYOUTS_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d folders", LAYOUTS_LIMIT);

    struct layout *layout;
    if (!layout_open(location->path, make, &layout, err))
        return false;
    context->layouts[context->layout_count++] = layout;
    *store = layout_store(layout);
    return true;
}

static bool compress_image(struct context *context, struct store **store, char **name,
                           struct error *err)
{
    owned(image) struct image *plain = NULL;
    owned(image) struct image *compressed = NULL;
    struct layout *workspace;

    if (context->store_count == STORES_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d archives", STORES_LIMIT);
    if (!context_workspace(context, &workspace, err) ||
        !image_open(*store, *name, NULL, &plain, err) ||
        !layers_compress(*store, plain, workspace, context->progress, &compressed, err))
        return false;
    *store = store_union(layout_store(workspace), *store);
    context->stores[context->store_count++] = *store;
    free(*name);
    *name =
        memory_copy_string(digest_format(&image_document(compressed)->descriptor.digest).text);
    return true;
}

bool context_image(struct context *context, const struct location *location,
                   struct store **store, char **name, struct error *err)
{
    owned(memory) char *asked = memory_copy_string(location_name(location));

    if (!context_store(context, location, false, store, err))
        return false;
    if (location->kind == LOCATION_DOCKER_ARCHIVE &&
        !compress_image(context, store, &asked, err))
        return error_wrap(err, "'%.200s'", location->path);
    *name = take(&asked);
    return true;
}

/* $XDG_DATA_HOME/skiff, a new string. */
static bool data_folder(const struct context *context, char **out, struct error *err)
{
    const char *data = environment_get(context->environment, "XDG_DATA_HOME");
    const char *home = environment_get(context->environment, "HOME");

    if (!data && !home)
        return error_set(err, ERROR_USAGE,
                         "neither XDG_DATA_HOME nor HOME says where functions of this machine "
                         "are kept");
    *out = data ? text_format("%s/skiff", data) : text_format("%s/.local/share/skiff", home);
    return true;
}

/* The locale's own order: the first one that is set counts. */
static bool speaks_utf8(const char *const *environment)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *locale = environment_get(environment, names[i]);
        if (locale && *locale)
            return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
    }
    return false;
}

struct describe_look context_look(const struct context *context)
{
    struct winsize size = {0};
    bool terminal = isatty(STDOUT_FILENO);
    bool known = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;

    return (struct describe_look){
        .columns = known && size.ws_col < DESCRIBE_COLUMNS ? size.ws_col : DESCRIBE_COLUMNS,
        .unicode = terminal && speaks_utf8(context->environment),
    };
}

struct platform_spec context_machine(void)
{
    struct platform_spec machine = {.os = "linux"};
    struct utsname system;
    struct error ignored;
    char text[sizeof system.machine + 8];

    uname(&system);
    snprintf(text, sizeof text, "linux/%s", system.machine);
    if (!platform_spec_parse(text, &machine, &ignored))
        snprintf(machine.architecture, sizeof machine.architecture, "unknown");
    return machine;
}

static bool open_local(struct context *context, struct error *err)
{
    owned(memory) char *folder = NULL;

    if (!data_folder(context, &folder, err))
        return false;
    const struct local_options options = {
        .folder = folder,
        .clock = &context->clock,
        .progress = context->progress,
        .machine = context_machine(),
        .search_path = environment_get(context->environment, "PATH"),
    };
    return local_platform_open(&options, &context->platform, err);
}

static bool open_aws(struct context *context, const char *region, struct error *err)
{
    struct aws_options options;

    return context_aws(context, region, &options, err) &&
           aws_platform_open(&options, &context->platform, err);
}

bool context_this_machine(struct context *context, struct platform **out, struct error *err)
{
    platform_free(context->platform);
    context->platform = NULL;
    if (!open_local(context, err))
        return false;
    *out = context->platform;
    return true;
}

bool context_platform(struct context *context, const char *region, struct platform **out,
                      struct error *err)
{
    platform_free(context->platform);
    context->platform = NULL;
    if (!(context->globals.local ? open_local(context, err) : open_aws(context, region, err)))
        return false;
    *out = context->platform;
    return true;
}

struct clock *context_clock(struct context *context)
{
    return &context->clock;
}
