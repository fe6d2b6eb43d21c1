/* SPDX-License-Identifier: MIT */
/*
 * mempoold --remove-instance: gives back what an instance left that has no daemon any more.
 *
 * Order: the registry is locked, so that no daemon starts on it; who still has pools open is
 * looked for; the registry is made none; the other objects go; then the registry, at which keepers
 * end by themselves. Who dies on the way leaves what can be removed by the same command again.
 */
#ifndef MP_DAEMON_REMOVE_H
#define MP_DAEMON_REMOVE_H

/* Removes it, or says why not; returns the exit status. */
int remove_instance(const char *name);

#endif
