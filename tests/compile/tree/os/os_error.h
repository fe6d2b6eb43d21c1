/* SPDX-License-Identifier: MIT */
#ifndef TREE_OS_ERROR_H
#define TREE_OS_ERROR_H

enum os_error {
	OS_OK = 0,
	OS_ENOMEM = 1,
	OS_EINVAL = 2,
	OS_INVALID_PARM = 3,
	OS_MEM_NOT_ALIGNED = 4
};

typedef enum os_error os_error_t;

#endif
