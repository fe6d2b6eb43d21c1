/* SPDX-License-Identifier: MIT */
/*
 * What the calls of os/ return, with the values of Mynewt.
 */
#ifndef OS_OS_ERROR_H
#define OS_OS_ERROR_H

enum os_error {
	OS_OK = 0,
	OS_ENOMEM = 1,          /* no memory, no room, or a limit is reached */
	OS_EINVAL = 2,          /* not possible as things are; each call says why */
	OS_INVALID_PARM = 3,    /* an argument that is never right */
	OS_MEM_NOT_ALIGNED = 4, /* the buffer does not begin at a multiple of OS_ALIGNMENT */
	OS_BAD_MUTEX = 5,
	OS_TIMEOUT = 6, /* mempoold does not answer */
	OS_ERR_IN_ISR = 7,
	OS_ERR_PRIV = 8,    /* no right to it */
	OS_NOT_STARTED = 9, /* mempoold is not running */
	OS_ENOENT = 10,     /* there is no such thing */
	OS_EBUSY = 11,      /* blocks are out, or a call is under way */
	OS_ERROR = 12       /* anything else */
};

typedef enum os_error os_error_t;

#endif
