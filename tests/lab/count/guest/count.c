/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's side of the instruction counter: tells the plugin where this kernel enters and leaves
 * interrupts and softirqs, and when a window of traffic begins and ends. Runs in the guest; the folder
 * (environment: COUNT_DIRECTORY) is the one that the plugin was given, seen from the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../magic.h"

#define TEXT(...) #__VA_ARGS__
#define CALL_PLUGIN(...) __asm__ volatile(".byte " TEXT(__VA_ARGS__)::: "memory")

static const char usage[] =
    "usage: count start [--profile]\n"
    "       count begin NAME\n"
    "       count end NAME PACKETS [CPU]\n"
    "       count windows        begin and end by lines of the standard input; answers each with \"done\"\n"
    "       count symbols        after the windows: the kernel's symbols, for the profile\n"
    "environment: COUNT_DIRECTORY, the folder shared with the plugin\n";

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "count: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  exit(1);
}

static int create(const char* name) {
  const char* directory = getenv("COUNT_DIRECTORY");
  if (!directory) fail("COUNT_DIRECTORY is not set; was the guest started with --count-instructions?");
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail("cannot write %s: %s", path, strerror(errno));
  return fd;
}

static void write_all(int fd, const char* bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0) fail("cannot write: %s", strerror(errno));
    bytes += n;
    length -= (size_t)n;
  }
}

/* The host must see the whole request before the plugin reads it. */
static void request(const char* line) {
  int fd = create("request");
  write_all(fd, line, strlen(line));
  if (fsync(fd) < 0 || close(fd) < 0) fail("cannot write the request: %s", strerror(errno));
  CALL_PLUGIN(MAGIC_BYTES);
}

struct Function {
  const char* name;
  unsigned long long begin, end;
};

/* Where functions of the kernel proper begin, and where what follows them does. The kernel lists its symbols
 * by address, and makes up each line when it is read: no more of them are read than needed. */
static void find(struct Function* functions, size_t count) {
  FILE* symbols = fopen("/proc/kallsyms", "re");
  if (!symbols) fail("cannot read /proc/kallsyms: %s", strerror(errno));
  char line[512], name[256], type;
  size_t missing = count;
  while (missing > 0 && fgets(line, sizeof(line), symbols)) {
    unsigned long long address;
    if (sscanf(line, "%llx %c %255s", &address, &type, name) != 3 || (type != 't' && type != 'T')) continue;
    for (size_t i = 0; i < count; i++) {
      struct Function* function = &functions[i];
      if (function->begin && !function->end && address > function->begin) {
        function->end = address;
        missing--;
      }
      if (!function->begin && strcmp(name, function->name) == 0) function->begin = address;
    }
  }
  fclose(symbols);
}

static void start(bool profile) {
  struct Function functions[] = {{"irq_enter_rcu", 0, 0}, {"irq_exit_rcu", 0, 0}, {"handle_softirqs", 0, 0}};
  find(functions, 3);
  if (!functions[2].end) { /* older kernels */
    functions[2].name = "__do_softirq";
    find(functions, 3);
  }
  for (int i = 0; i < 3; i++)
    if (!functions[i].end)
      fail("/proc/kallsyms has no address for %s; is this root, and kptr_restrict not 2?", functions[i].name);
  char line[256];
  snprintf(line, sizeof(line), "start %llx %llx %llx %llx %d\n", functions[2].begin, functions[2].end,
           functions[0].begin, functions[1].begin, profile);
  request(line);
}

static void mark(const char* edge, const char* name, const char* packets, const char* cpu) {
  if (name[strcspn(name, "\"\\\n")])
    fail("the name of a window may not hold quotes, backslashes or line ends: '%s'", name);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char line[512];
  snprintf(line, sizeof(line),
           "mark {\"edge\": \"%s\", \"name\": \"%s\", \"packets\": %s, \"cpu\": %s, \"ns\": %lld}\n", edge,
           name, packets, cpu, (long long)now.tv_sec * 1000000000 + now.tv_nsec);
  request(line);
}

static void copy_symbols(void) {
  FILE* symbols = fopen("/proc/kallsyms", "re");
  if (!symbols) fail("cannot read /proc/kallsyms: %s", strerror(errno));
  int fd = create("kallsyms");
  static char bytes[65536];
  size_t n;
  while ((n = fread(bytes, 1, sizeof(bytes), symbols)) > 0) write_all(fd, bytes, n);
  if (fsync(fd) < 0 || close(fd) < 0) fail("cannot write kallsyms: %s", strerror(errno));
  fclose(symbols);
}

static const char* number(const char* text) {
  if (!*text || text[strspn(text, "0123456789")]) fail("'%s' is not a number", text);
  return text;
}

static bool obey(int count, char** words) {
  if (count == 2 && strcmp(words[0], "begin") == 0)
    mark("begin", words[1], "null", "null");
  else if ((count == 3 || count == 4) && strcmp(words[0], "end") == 0)
    mark("end", words[1], number(words[2]), count == 4 ? number(words[3]) : "null");
  else
    return false;
  return true;
}

/* Without a process for each window, whose beginning and end would cost softirqs in it. */
static void windows(void) {
  char line[512];
  while (fgets(line, sizeof(line), stdin)) {
    char* words[5];
    int count = 0;
    for (char* word = strtok(line, " \n"); word && count < 5; word = strtok(NULL, " \n")) words[count++] = word;
    if (!obey(count, words)) fail("not understood: '%s'", count ? words[0] : "");
    if (puts("done") < 0 || fflush(stdout) != 0) fail("nobody hears: %s", strerror(errno));
  }
}

int main(int count, char** words) {
  const char* verb = count > 1 ? words[1] : "";
  if (strcmp(verb, "start") == 0 && (count == 2 || (count == 3 && strcmp(words[2], "--profile") == 0)))
    start(count == 3);
  else if (strcmp(verb, "windows") == 0 && count == 2)
    windows();
  else if (count > 1 && obey(count - 1, words + 1))
    return 0;
  else if (strcmp(verb, "symbols") == 0 && count == 2)
    copy_symbols();
  else {
    fputs(usage, count == 2 && strcmp(verb, "--help") == 0 ? stdout : stderr);
    return count == 2 && strcmp(verb, "--help") == 0 ? 0 : 2;
  }
  return 0;
}
