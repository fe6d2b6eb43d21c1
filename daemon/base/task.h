/* SPDX-License-Identifier: MIT */
/*
 * Tasks: work in steps, of which any number may be under way. Those of one queue take turns, a step
 * each, and all of them together have one slice a turn of the loop: how many there are does not
 * matter to anybody else.
 */
#ifndef MP_DAEMON_TASK_H
#define MP_DAEMON_TASK_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

struct loop;

struct task {
	/* Does one step; the task is off the queue then, and adds itself again to go on. */
	void (*step)(void *owner);
	void *owner;
	bool waiting; /* for its turn */
	TAILQ_ENTRY(task) of_queue;
};

struct task_queue {
	struct loop *loop;
	TAILQ_HEAD(, task) tasks;
	struct event turn;
};

void task_queue_init(struct task_queue *queue, struct loop *loop);

/* Puts it at the end, unless it waits already. */
void task_add(struct task_queue *queue, struct task *task);

/* Does steps until none waits or the slice is over. */
void task_queue_run(struct task_queue *queue);

/* Takes it off, if it waits. */
void task_remove(struct task_queue *queue, struct task *task);

#endif
