/* SPDX-License-Identifier: MIT */
/*
 * Marks what applications may call; libmempool.map lists the same.
 */
#ifndef MP_EXPORT_H
#define MP_EXPORT_H

#define EXPORT __attribute__((visibility("default")))

#endif
