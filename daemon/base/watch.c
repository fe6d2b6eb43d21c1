/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/base/watch.h"

#define SOON_MS 20
#define MORE_MS 1
#define LOOK_S 3

static void watch_in_ms(struct watch *watch, long ms)
{
	evtimer_add(&watch->due, &(struct timeval){.tv_usec = ms * 1000});
}

void watch_hurry(struct watch *watch)
{
	if (watch->look) {
		watch_in_ms(watch, SOON_MS);
	}
}

/* Events that only say that a watch has gone, as after watch_remove(), are no reason to look. */
static void watch_on_told(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n = read(fd, events, sizeof events);
	bool matters = false;

	(void)what;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const struct inotify_event *)(events + at);
		matters = matters || event->mask != IN_IGNORED;
		at += (ssize_t)(sizeof *event + event->len);
	}
	if (matters) {
		event_del(&watch->told); /* until that look: so many events are one */
		watch_hurry(watch);
	}
}

static void watch_on_due(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;

	(void)fd;
	(void)what;
	slice_begin(&watch->loop->slice);
	if (watch->look(watch->arg)) {
		watch_in_ms(watch, MORE_MS);
	} else {
		evtimer_add(&watch->due, &(struct timeval){.tv_sec = LOOK_S});
		if (watch->fd >= 0) {
			event_add(&watch->told, NULL);
		}
	}
	slice_end(&watch->loop->slice);
}

void watch_start(struct watch *watch, struct loop *loop, bool (*look)(void *arg), void *arg)
{
	*watch = (struct watch){
		.loop = loop,
		.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.look = look,
		.arg = arg,
	};
	evtimer_assign(&watch->due, loop->base, watch_on_due, watch);
	if (watch->fd >= 0) {
		event_assign(&watch->told, loop->base, watch->fd, EV_READ | EV_PERSIST,
			     watch_on_told, watch);
	}
	watch_in_ms(watch, SOON_MS);
}

void watch_stop(struct watch *watch)
{
	if (!watch->look) {
		return;
	}
	evtimer_del(&watch->due);
	if (watch->fd >= 0) {
		event_del(&watch->told);
		close(watch->fd);
	}
	*watch = (struct watch){.fd = -1};
}

int watch_add(struct watch *watch, const char *path)
{
	return watch && watch->look && watch->fd >= 0
		       ? inotify_add_watch(watch->fd, path, IN_ATTRIB | IN_MOVE_SELF)
		       : -1;
}

void watch_remove(struct watch *watch, int number)
{
	if (number >= 0 && watch->look && watch->fd >= 0) {
		inotify_rm_watch(watch->fd, number);
	}
}
