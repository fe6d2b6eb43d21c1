/* SPDX-License-Identifier: MIT */
/* The name by which most programs for Mynewt include os/os.h. */
#ifndef OS_MYNEWT_H
#define OS_MYNEWT_H

#include <os/os.h>

#endif
