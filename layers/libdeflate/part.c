/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled by build.sh in libdeflate's folder: what it needs is private to this file. */
#include "lib/deflate_compress.c"

#include "part.h"

size_t libdeflate_deflate_part(struct libdeflate_compressor *compressor, const void *bytes,
                               size_t count, void *out, size_t capacity)
{
    struct deflate_output_bitstream stream = {.next = out};
    u8 *begin = out;

    if (capacity < libdeflate_deflate_compress_bound(NULL, count) + LIBDEFLATE_PART_END_BYTES)
        return 0;
    stream.end = begin + capacity - OUTPUT_END_PADDING;
    (*compressor->impl)(compressor, bytes, count, &stream);

    /* An empty stored block, as zlib's Z_SYNC_FLUSH: three bits of zero, up to the next whole
     * byte, and then the length and its complement. */
    *stream.next++ = (u8)stream.bitbuf;
    if (stream.bitcount > 5)
        *stream.next++ = 0;
    put_unaligned_le32(0xFFFF0000, stream.next);
    return (size_t)(stream.next + 4 - begin);
}
