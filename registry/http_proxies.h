/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which proxies to go through, as curl's users know to say it: https_proxy,
 * http_proxy, all_proxy and no_proxy.
 *
 * Source: curl(1), ENVIRONMENT
 */

/* All owned, never NULL; "" for none. */
struct http_proxies {
    char *http;
    char *https;
    char *none; /* hosts that are asked directly: this machine, a cloud's metadata services */
};

/** The proxy for `url`. Of those to be asked directly it knows the ones that are named with
 * their port, "registry.lan:5000", which libcurl does not; the others, it does. Borrowed. */
const char *http_proxies_for(const struct http_proxies *proxies, const char *url);

/** Takes the user and the password of a proxy out of what libcurl says about it. */
void http_proxies_hide_user(char *sentence);

/** Reads them from an environment; release with http_proxies_release(). */
void http_proxies_read(const char *const *environment, struct http_proxies *out);
void http_proxies_release(struct http_proxies *proxies);
