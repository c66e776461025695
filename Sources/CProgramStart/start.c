/* pipe2, and what POSIX does not have of spawning yet. */
#define _GNU_SOURCE
#include "CProgramStart.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int tally_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= tally_given_descriptors) continue;
        /* A caller whose own standard descriptors are closed: one step of the start would overwrite another's. */
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, tally_given_descriptors);
        int failed = moved < 0 ? errno : 0;
        close(ends[i]);
        ends[i] = moved;
        if (failed != 0) {
            close(ends[1 - i]);
            return failed;
        }
    }
    return 0;
}

static int describe(posix_spawn_file_actions_t *actions, const char *folder, const int *descriptors) {
    for (int i = 0; i < tally_given_descriptors; i++) {
        int failed = posix_spawn_file_actions_adddup2(actions, descriptors[i], i);
        if (failed != 0) return failed;
    }
    /* Sockets that a library opened without closing them on exec are no business of the program's. */
    int failed = posix_spawn_file_actions_addclosefrom_np(actions, tally_given_descriptors);
    if (failed != 0 || folder == NULL) return failed;
    return posix_spawn_file_actions_addchdir_np(actions, folder);
}

static void freshen(posix_spawnattr_t *attributes) {
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(attributes, &none);
    /* Signals that are ignored here would stay so; those that are handled would not. */
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int tally_start_program(
    pid_t *pid, const char *path, char *const arguments[], char *const environment[], const char *folder,
    const int descriptors[tally_given_descriptors]) {
    posix_spawn_file_actions_t actions;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) return failed;
    posix_spawnattr_t attributes;
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        freshen(&attributes);
        failed = describe(&actions, folder, descriptors);
        if (failed == 0) failed = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

int tally_keeps_statuses(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0) return 1;
    return action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0;
}
