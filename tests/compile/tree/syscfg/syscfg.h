/* SPDX-License-Identifier: MIT */
#ifndef TREE_SYSCFG_H
#define TREE_SYSCFG_H

/* clang-format off */
#define MYNEWT_VAL(_name) MYNEWT_VAL_ ## _name
/* clang-format on */
#define MYNEWT_VAL_OS_MEMPOOL_CHECK (0)
#define TREE_ALIGNMENT 4 + 4 * (UINTPTR_MAX > 0xffffffffu)

#endif
