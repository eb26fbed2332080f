/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A word out of an XML answer.
 *
 * AWS's older services answer in flat XML of which a few texts matter. They are found
 * by their tags, without a parser: nothing nests, nothing is loaded, no entity is defined.
 */

#include <stdbool.h>
#include <stddef.h>

/** The text between "<tag>" and "</tag>" of XML, at its first place, entities resolved; clipped
 *  to `size` bytes with the NUL. Whether it is there. */
bool xml_text(const char *xml, const char *tag, char *out, size_t size);
