/* SPDX-License-Identifier: MIT */
/*
 * Lists by macros: those of the C library, whose names Mynewt uses too, and those that are missing
 * there and that programs for Mynewt may expect.
 */
#ifndef OS_QUEUE_H
#define OS_QUEUE_H

/* musl has no such header: a program that uses more than these needs one from elsewhere. */
#if __has_include(<sys/queue.h>)
#include <sys/queue.h>
#else
#define SLIST_HEAD(name, type)          \
	struct name {                   \
		struct type *slh_first; \
	}
#define SLIST_ENTRY(type)              \
	struct {                       \
		struct type *sle_next; \
	}
#define SLIST_FIRST(head) ((head)->slh_first)
#define SLIST_NEXT(element, field) ((element)->field.sle_next)
#define STAILQ_ENTRY(type)              \
	struct {                        \
		struct type *stqe_next; \
	}
#define STAILQ_NEXT(element, field) ((element)->field.stqe_next)
#endif

/* Walks that allow the element at hand to be removed: @after has the one that follows. */
#ifndef SLIST_FOREACH_SAFE
#define SLIST_FOREACH_SAFE(at, head, field, after) \
	for ((at) = SLIST_FIRST(head); (at) && ((after) = SLIST_NEXT(at, field), 1); (at) = (after))
#endif
#ifndef STAILQ_FOREACH_SAFE
#define STAILQ_FOREACH_SAFE(at, head, field, after)                                    \
	for ((at) = STAILQ_FIRST(head); (at) && ((after) = STAILQ_NEXT(at, field), 1); \
	     (at) = (after))
#endif
#ifndef LIST_FOREACH_SAFE
#define LIST_FOREACH_SAFE(at, head, field, after) \
	for ((at) = LIST_FIRST(head); (at) && ((after) = LIST_NEXT(at, field), 1); (at) = (after))
#endif
#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(at, head, field, after) \
	for ((at) = TAILQ_FIRST(head); (at) && ((after) = TAILQ_NEXT(at, field), 1); (at) = (after))
#endif

/* Removes what follows @element; there must be something. */
#ifndef SLIST_REMOVE_AFTER
#define SLIST_REMOVE_AFTER(element, field) \
	((void)(SLIST_NEXT(element, field) = SLIST_NEXT(SLIST_NEXT(element, field), field)))
#endif
#ifndef STAILQ_REMOVE_AFTER
#define STAILQ_REMOVE_AFTER(head, element, field)                                              \
	do {                                                                                   \
		STAILQ_NEXT(element, field) = STAILQ_NEXT(STAILQ_NEXT(element, field), field); \
		if (!STAILQ_NEXT(element, field)) {                                            \
			(head)->stqh_last = &STAILQ_NEXT(element, field);                      \
		}                                                                              \
	} while (0)
#endif

/* The last element, or NULL; found from the address of its link. */
#ifndef STAILQ_LAST
#define STAILQ_LAST(head, type, field)                                                    \
	(STAILQ_EMPTY(head) ? (struct type *)0                                            \
			    : (struct type *)(void *)((char *)(void *)(head)->stqh_last - \
						      __builtin_offsetof(struct type, field)))
#endif

#endif
