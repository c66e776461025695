#ifndef TALLY_PROGRAM_START_H
#define TALLY_PROGRAM_START_H
#include <sys/types.h>

/* How many descriptors a program is given: standard input, output and error, and one more. */
enum { tally_given_descriptors = 4 };

/* A pipe, its reading end first. Neither end is inherited, and both lie above those that a program is given.
   Answers 0, or the number of the error. */
int tally_pipe(int ends[2]);

/* Starts the program at `path` in a process group of its own, with the signals of a fresh program. Its descriptors
   are those of the list, in this order, and no others, whatever else is open here. A folder that is not null is
   where it begins. Answers 0, or the number of the error. */
int tally_start_program(
    pid_t *pid, const char *path, char *const arguments[], char *const environment[], const char *folder,
    const int descriptors[tally_given_descriptors]);

/* Whether the status of a child that has ended stays until it is asked for: not where SIGCHLD is ignored. */
int tally_keeps_statuses(void);
#endif
