/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ECR's control plane: the repositories images are pushed into, and the login to push them.
 *
 * The images themselves travel through registry/ like to any other registry. A
 * repository that is made here carries a tag that says so, and only such a one
 * is ever taken away again.
 *
 * Source: Amazon ECR API reference
 */

#include "lambda/aws/aws.h"
#include "registry/registry_login.h"

/* All owned. */
struct ecr_repository {
    char *name;
    char *arn;
    char *uri; /* "<registry host>/<name>" */
};

/* All owned. */
struct ecr_login {
    struct registry_login login;
    char *url; /* where the registry is reached: "https://…", no path; NULL: as its name says */
    time_t expires; /* 0: it was not said */
};

/** Asks ECR's API; `answer` may be NULL, and else gets an object. */
bool ecr_ask(const struct aws *aws, const char *operation, const json_t *body, json_t **answer,
             struct error *err) MUST_CHECK;

/** Deletes a repository in which there is nothing, and says so. One that has images is kept,
 * which is said, too; missing is fine. */
bool ecr_delete_repository(const struct aws *aws, const struct ecr_repository *repository,
                           struct error *err) MUST_CHECK;

/** Deletes the images `ids`, at most 100. Missing ones are fine, and those that an index still
 *  refers to stay. */
bool ecr_delete_images(const struct aws *aws, const char *repository, json_t *ids,
                       struct error *err) MUST_CHECK;

/** The name of a function's repository: that of the function in lower case. A new string, the
 *  caller's to free(). ERROR_USAGE when ECR takes no such name. */
bool ecr_repository_name(const char *function, char **out, struct error *err) MUST_CHECK;

/** Looks for the repository; `*found` says whether `out` is filled in. */
bool ecr_find_repository(const struct aws *aws, const char *name, struct ecr_repository *out,
                         bool *found, struct error *err) MUST_CHECK;

/** Makes the repository, marks it as ours and says so; one that is there by now is taken. */
bool ecr_make_repository(const struct aws *aws, const char *name, struct ecr_repository *out,
                         struct error *err) MUST_CHECK;

/** Asks for a login, good for twelve hours. ERROR_INVALID when it would have to travel
 *  unencrypted to another machine. */
bool ecr_ask_login(const struct aws *aws, struct ecr_login *out, struct error *err) MUST_CHECK;

/** The same for public.ecr.aws; only us-east-1 answers. */
bool ecr_ask_public_login(const struct aws *aws, struct ecr_login *out,
                          struct error *err) MUST_CHECK;

/** Whether the repository was made here: it says so in a tag. */
bool ecr_is_ours(const struct aws *aws, const struct ecr_repository *repository, bool *ours,
                 struct error *err) MUST_CHECK;

/** Removes the image "<uri>@sha256:…", together with the index that the tag `latest` names when
 *  it holds this image, and then the repository if nothing is left in it. Says each step. Only
 *  in repositories of ours; in others, and where nothing is there, it does nothing. The digests
 *  that are names in the object `used` stay, and what goes together with them. */
bool ecr_remove_image(const struct aws *aws, const char *image_uri, const json_t *used,
                      struct error *err) MUST_CHECK;

void ecr_repository_release(struct ecr_repository *repository);
void ecr_login_release(struct ecr_login *login);

static inline void ecr_repository_cleanup(struct ecr_repository *repository)
{
    ecr_repository_release(repository);
}
static inline void ecr_login_cleanup(struct ecr_login *login)
{
    ecr_login_release(login);
}
