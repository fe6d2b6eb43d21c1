/* SPDX-License-Identifier: MIT */
/*
 * mempoold --remove-instance: gives back what an instance left that has no daemon any more.
 *
 * Order: the registry is locked, so that no daemon starts on it; who still has pools open is
 * looked for; the registry is spoilt, so that a daemon that finds it begins anew; the other objects
 * go; then the registry, at which keepers end by themselves. If the command dies on the way, the
 * same command removes the rest.
 */
#ifndef MP_DAEMON_REMOVE_H
#define MP_DAEMON_REMOVE_H

/* Removes it, or says why not; returns the exit status. */
int remove_instance(const char *name);

#endif
