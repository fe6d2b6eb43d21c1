/* SPDX-License-Identifier: MIT */
/*
 * Figures: the same thing measured several times, 0 where there was no answer.
 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

enum { FIGURES_MAX = 99 };

/* The median; 0 when one is missing. */
double figures_median(const double *figures, unsigned n);

/* Half the figures lie within this much of the median, in percent. */
double figures_spread(const double *figures, unsigned n);

/*
 * The median of the ratios within each repeat, not the ratio of two medians: what slowed one repeat
 * down slowed both in it.
 */
double figures_ratio(const double *ours, const double *theirs, unsigned n);

#endif
