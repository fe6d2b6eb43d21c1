/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/config/parse.h"
#include "daemon/config/source.h"
#include "daemon/reading.h"

struct reading_job {
	struct source source;
	int fd; /* of the reading, which stays open as long as the job is there */
	struct reading_result result;
	char *text; /* of the faults */
	size_t size;
	FILE *lines; /* makes the text; NULL: no memory */
};

static void reading_note(void *arg, const char *line)
{
	struct reading_job *job = arg;

	if (job->lines) {
		fprintf(job->lines, "%s\n", line);
	}
}

/* The thread. It touches nothing but its job. */
static void *reading_work(void *arg)
{
	struct reading_job *job = arg;
	struct faults faults = {.tell = reading_note, .arg = job};

	parse_init(&job->result.config);
	source_read_main(&job->source, &job->result.config, &faults);
	source_read_pools(&job->source, &job->result.config, &faults);
	job->result.n_faults = faults.n;
	eventfd_write(job->fd, 1);
	return NULL;
}

static void reading_destroy_job(struct reading_job *job)
{
	free(job->text);
	free(job);
}

static void reading_on_done(evutil_socket_t fd, short what, void *arg)
{
	struct reading *reading = arg;
	struct reading_job *job = reading->job;
	eventfd_t n;

	(void)what;
	slice_begin(&reading->loop->slice);
	eventfd_read(fd, &n);
	pthread_join(reading->thread, NULL);
	reading->job = NULL;
	if (job->lines) {
		fclose(job->lines);
		job->result.faults = job->text;
	}
	/* When another cannot be begun, this one is better than none. */
	if (reading->again && reading_start(reading) == 0) {
		config_finish(&job->result.config);
	} else {
		reading->told(reading->owner, &job->result);
	}
	reading->again = reading->again && !reading->job;
	reading_destroy_job(job);
	slice_end(&reading->loop->slice);
}

int reading_init(struct reading *reading, struct loop *loop, const struct source *source,
		 void (*told)(void *owner, struct reading_result *result), void *owner)
{
	*reading = (struct reading){
		.loop = loop,
		.source = source,
		.told = told,
		.owner = owner,
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	if (reading->fd < 0) {
		return -errno;
	}
	event_assign(&reading->done, loop->base, reading->fd, EV_READ | EV_PERSIST, reading_on_done,
		     reading);
	return event_add(&reading->done, NULL) < 0 ? -ENOMEM : 0;
}

/* Signals are for the loop's thread. */
static int reading_start_thread(struct reading *reading, struct reading_job *job)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&reading->thread, NULL, reading_work, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -error;
}

int reading_start(struct reading *reading)
{
	struct reading_job *job;
	int r;

	if (reading->job) {
		reading->again = true;
		return 0;
	}
	job = calloc(1, sizeof *job);
	if (!job) {
		return -ENOMEM;
	}
	job->source = *reading->source;
	job->fd = reading->fd;
	job->result.faults = "";
	job->lines = open_memstream(&job->text, &job->size);
	r = reading_start_thread(reading, job);
	if (r < 0) {
		if (job->lines) {
			fclose(job->lines);
		}
		reading_destroy_job(job);
		return r;
	}
	reading->job = job;
	return 0;
}

bool reading_finish(struct reading *reading)
{
	if (reading->fd < 0) {
		return true;
	}
	event_del(&reading->done);
	if (reading->job) {
		return false;
	}
	close(reading->fd);
	reading->fd = -1;
	return true;
}
