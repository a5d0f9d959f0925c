/* Ill-treats the plugin, in one process with it, so that a sanitizer sees all: torture WHAT PLUGIN HOME PATH WIDTH
   HEIGHT COUNT [THREADS]. HOME holds the files of a daemon, among them the restored frames 0 to 7 for a picture of this
   size, whose value is frame / 16 for the source and 1 - frame / 16 for the restored one.

   renders: COUNT renders on THREADS threads; prints times in nanoseconds: of the clock (all), and without the waits for
   a processor that others used (own). copies:  COUNT copies of a picture in memory, to compare with. races:   the same,
   while other threads cut, remove and put back files, change parameters and send a user's clicks. loads:   COUNT times
   from load to unload, with a render; prints what the process holds before and after. fuzz:    COUNT renders, each with
   something from outside that is broken. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../host/driver.h"
#include "files.h"

enum { FRAMES = 8, THREADS_MAX = 16 };

static const char *plugin_path, *media;
static int width, height, threads = 1;
static long count;

typedef struct {
    Host *host;
    Plugin *plugin;
    Effect *effect;
    Image *frames[FRAMES], *outputs[THREADS_MAX];
} Session;

static Layout layout_of(void) {
    Layout layout = {.bytes = 4,
                     .x2 = width,
                     .y2 = height,
                     .region = {0, 0, width, height},
                     .scale = {1, 1},
                     .aspect = 1,
                     .premultiplication = "OfxImageOpaque",
                     .field = "OfxFieldNone"};
    return layout;
}

static void fail(const char *what) {
    fprintf(stderr, "torture: %s\n", what);
    exit(1);
}

static void check_host(Session *s) {
    for (int i = 0; i < host_complaints(s->host); i++) fprintf(stderr, "%s\n", host_complaint(s->host, i));
    if (host_complaints(s->host)) fail("the plugin broke a rule");
}

static void open_session(Session *s) {
    memset(s, 0, sizeof *s);
    s->host = host_new();
    host_set_without(s->host, threads == 1 ? "OfxMultiThreadSuite" : ""); /* so that all the work is this thread's */
    s->plugin = plugin_open(s->host, plugin_path);
    if (!s->plugin) check_host(s);
    plugin_load(s->plugin);
    plugin_describe(s->plugin);
    plugin_describe_in_context(s->plugin, 0);
    s->effect = instance_new(s->plugin, 0);
    host_property_add(instance_properties(s->effect), "OfxImageEffectPropSrcFilePath", 's', 1);
    host_property_string(instance_properties(s->effect), "OfxImageEffectPropSrcFilePath", 0, media);
    const double no_badge = 0; /* pictures are compared */
    param_put(s->effect, "badge", &no_badge, 1, NULL);
    instance_create(s->effect, "Color");
    Layout layout = layout_of();
    float *pixels = malloc((size_t)width * height * 16);
    for (int frame = 0; frame < FRAMES; frame++) {
        for (long i = 0; i < (long)width * height * 4; i++) pixels[i] = i % 4 == 3 ? 1 : frame / 16.0f;
        s->frames[frame] = image_new(&layout);
        image_write(s->frames[frame], pixels);
        clip_put_frame(s->effect, "Source", frame, s->frames[frame]);
    }
    free(pixels);
    for (int i = 0; i < threads; i++) s->outputs[i] = image_new(&layout);
    check_host(s);
}

static void close_session(Session *s) {
    instance_destroy(s->effect);
    for (int i = 0; i < FRAMES; i++) image_free(s->frames[i]);
    for (int i = 0; i < threads; i++) image_free(s->outputs[i]);
    plugin_unload(s->plugin);
    check_host(s);
    plugin_close(s->plugin);
    host_free(s->host);
}

static Render render_of(int frame) {
    Render render = {.time = frame,
                     .window = {0, 0, width, height},
                     .scale = {1, 1},
                     .field = "OfxFieldNone",
                     .interactive = 1,
                     .has_source_frame = 1,
                     .source_frame = frame,
                     .skip = SKIP_REGION | SKIP_FRAMES};
    return render;
}

/* 1: restored, 0: as it came, -1: something else, or a mixture. */
static int shown(Session *s, int slot, int frame, float *pixels) {
    image_read(s->outputs[slot], pixels);
    float first = pixels[((long)width * height - 1) * 4];
    for (long i = 0; i < (long)width * height; i++)
        if (pixels[4 * i] != first || pixels[4 * i + 3] != 1) return -1;
    return first == frame / 16.0f ? 0 : first == 1 - frame / 16.0f ? 1 : -1;
}

/* Renders. */

/* Nanoseconds for which this thread waited for a processor that others used; 0 where the system does not tell. */
static long long waited(void) {
    static _Thread_local int file = -2;
    char text[128] = "";
    long long ran = 0, queued = 0;
    if (file == -2) file = open("/proc/thread-self/schedstat", O_RDONLY);
    if (file < 0 || pread(file, text, sizeof text - 1, 0) <= 0) return 0;
    return sscanf(text, "%lld %lld", &ran, &queued) == 2 ? queued : 0;
}

typedef struct {
    Session *session;
    int slot;
    long long *nanoseconds, *own;
    long share, hits, misses, mixtures;
} Worker;

static atomic_bool over;

static void *work(void *argument) {
    Worker *w = argument;
    float *pixels = malloc((size_t)width * height * 16);
    for (long i = 0; i < w->share; i++) {
        int frame = (int)((i * 5 + w->slot) % FRAMES);
        Render render = render_of(frame);
        long long before = waited();
        if (instance_render(w->session->effect, w->session->outputs[w->slot], &render)) fail("a render failed");
        w->nanoseconds[i] = render.nanoseconds;
        w->own[i] = render.nanoseconds - (waited() - before);
        int is = i % 16 ? 2 : shown(w->session, w->slot, frame, pixels);
        w->hits += is == 1, w->misses += is == 0, w->mixtures += is == -1;
    }
    free(pixels);
    return NULL;
}

static int compare(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return x < y ? -1 : x > y;
}

static void print_times(const char *name, long long *times, long n) {
    qsort(times, (size_t)n, sizeof *times, compare);
    printf(", \"%s_median\": %lld, \"%s_p99\": %lld, \"%s_most\": %lld", name, times[n / 2], name,
           times[n - 1 - n / 100], name, times[n - 1]);
}

static void run_workers(Session *s) {
    Worker workers[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    long share = count / threads, n = share * threads, hits = 0, misses = 0, mixtures = 0;
    long long *times = malloc((size_t)n * sizeof *times), *own = malloc((size_t)n * sizeof *own);
    for (int i = 0; i < threads; i++) {
        workers[i] =
            (Worker){.session = s, .slot = i, .nanoseconds = times + i * share, .own = own + i * share, .share = share};
        if (pthread_create(&ids[i], NULL, work, &workers[i])) fail("no thread");
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        hits += workers[i].hits, misses += workers[i].misses, mixtures += workers[i].mixtures;
    }
    printf("{\"renders\": %ld, \"hits\": %ld, \"misses\": %ld, \"mixtures\": %ld", n, hits, misses, mixtures);
    print_times("all", times, n);
    print_times("own", own, n);
    printf("}\n");
    free(times);
    free(own);
}

/* What any host needs to copy a picture: the least that a miss can take. */
static void copies(void) {
    size_t size = (size_t)width * height * 16;
    char *from = malloc(size), *to = malloc(size);
    long long *times = malloc((size_t)count * sizeof *times);
    memset(from, 1, size);
    memset(to, 2, size);
    for (long i = 0; i < count; i++) {
        struct timespec start, end;
        from[i] = (char)i;
        long long before = waited();
        clock_gettime(CLOCK_MONOTONIC, &start);
        memcpy(to, from, size);
        clock_gettime(CLOCK_MONOTONIC, &end);
        times[i] = (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec + (to[size - 1] == 9);
        times[i] -= waited() - before;
    }
    printf("{\"copies\": %ld", count);
    print_times("own", times, count);
    printf("}\n");
    free(from), free(to), free(times);
}

static void *disturb(void *argument) {
    (void)argument;
    unsigned seed = 1;
    while (!atomic_load(&over)) {
        File *file = &files[(seed = seed * 1103515245 + 12345) >> 16 & 0xff];
        if (file >= files + file_count) continue;
        disturb_file(file, seed >> 24 & 3, seed);
        usleep(200);
        restore_file(file);
    }
    return NULL;
}

static atomic_bool played;

static void *play(void *session) {
    run_workers(session);
    atomic_store(&played, true);
    return NULL;
}

static void races(Session *s) {
    pthread_t disturber, player;
    const double values[2] = {0, 1};
    find_files();
    if (pthread_create(&disturber, NULL, disturb, NULL) || pthread_create(&player, NULL, play, s)) fail("no thread");
    for (int i = 0; !atomic_load(&played); i++) { /* the user clicks while it plays */
        param_edit(s->effect, "wipeAngle", &values[i % 2], 1, NULL);
        param_edit(s->effect, "refresh", NULL, 0, NULL);
        param_edit(s->effect, "restore", NULL, 0, NULL);
        usleep(1000);
    }
    atomic_store(&over, true);
    pthread_join(player, NULL);
    pthread_join(disturber, NULL);
}

/* What the process holds. */

static int entries_of(const char *folder) {
    DIR *directory = opendir(folder);
    int found = 0;
    while (directory && readdir(directory)) found++;
    if (directory) closedir(directory);
    return found;
}

static void print_holdings(const char *when) {
    char line[4096];
    int maps = 0, ours = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file && fgets(line, sizeof line, file)) maps++, ours += strstr(line, plugin_path) != NULL;
    if (file) fclose(file);
    file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &resident);
    if (file) fclose(file);
    printf(
        "{\"when\": \"%s\", \"files\": %d, \"threads\": %d, \"maps\": %d, \"of_plugin\": %d, \"resident_kb\": %ld}\n",
        when, entries_of("/proc/self/fd"), entries_of("/proc/self/task"), maps, ours, resident);
}

static void loads(void) {
    for (long i = 0; i < count + 5; i++) { /* the first ones warm the C library up */
        if (i == 5) print_holdings("before");
        Session s;
        open_session(&s);
        for (int frame = 0; frame < FRAMES; frame++) {
            Render render = render_of(frame);
            instance_render(s.effect, s.outputs[0], &render);
        }
        if (i == 5) print_holdings("loaded");
        close_session(&s);
    }
    print_holdings("after");
}

/* Fuzz. */

static const int numbers[] = {0,    1,     -1,    2,        7,         8,          100,
                              -100, 65535, 65536, 16777216, -16777217, 2147483647, -2147483647 - 1};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static int any(unsigned *seed) { return (int)(*seed = *seed * 1664525 + 1013904223) >> 8 & 0xffffff; }

/* A render with arguments that no sane host sends. */
static void odd_render(Session *s, unsigned *seed) {
    static const char *const fields[] = {"OfxFieldNone", "OfxFieldLower", "OfxFieldBoth", "", "nonsense"};
    Render render = render_of(any(seed) % FRAMES);
    for (int i = 0; i < 4; i++)
        if (any(seed) % 3 == 0) render.window[i] = numbers[any(seed) % NUMBERS];
    render.field = fields[any(seed) % 5];
    render.source_frame = any(seed) % 2 ? numbers[any(seed) % NUMBERS] : render.source_frame;
    if (any(seed) % 4 == 0) render.scale[any(seed) % 2] = any(seed) % 2 ? 0 : NAN;
    instance_render(s->effect, s->outputs[0], &render);
}

static void odd_setting(Session *s, unsigned *seed) {
    static const char *const names[] = {"show",        "wipePosition", "wipeAngle", "strength",
                                        "restoration", "badge",        "file",      "offset"};
    static const char *const texts[] = {"", "/", "%s%n%x", "/films/\xff\xfe.mov", "\n"};
    static const double values[] = {0, 1, 2, 3, -1, 0.5, 1e9, -1e9, 1e300, NAN, INFINITY, 180};
    const char *name = names[any(seed) % 8];
    double value[4] = {values[any(seed) % 12], values[any(seed) % 12], 0, 0};
    bool text = strcmp(name, "file") == 0, whole = text || strcmp(name, "wipePosition") != 0;
    if (strcmp(name, "show") == 0) value[0] = any(seed) % 4;
    if (strcmp(name, "offset") == 0 || strcmp(name, "restoration") == 0) value[0] = numbers[any(seed) % NUMBERS];
    if (strcmp(name, "badge") == 0) value[0] = any(seed) % 2;
    param_put(s->effect, name, value, text ? 0 : whole ? 1 : 2, text ? texts[any(seed) % 5] : NULL);
}

static void sane_settings(Session *s) {
    const double zero = 0, one = 1, middle[2] = {width / 2.0, height / 2.0};
    static const char *const zeros[] = {"show", "wipeAngle", "restoration", "badge", "offset"};
    for (int i = 0; i < 5; i++) param_put(s->effect, zeros[i], &zero, 1, NULL);
    param_put(s->effect, "strength", &one, 1, NULL);
    param_put(s->effect, "wipePosition", middle, 2, NULL);
    param_put(s->effect, "file", NULL, 0, "");
}

static void fuzz(Session *s) {
    unsigned seed = (unsigned)getpid();
    float *pixels = malloc((size_t)width * height * 16);
    long through = 0;
    find_files();
    for (long i = 0; i < count; i++) {
        int kind = any(&seed) % 10;
        File *file = &files[any(&seed) % file_count];
        int frame = file->frame >= 0 ? file->frame : any(&seed) % FRAMES;
        if (kind == 0)
            odd_render(s, &seed);
        else if (kind == 1)
            odd_setting(s, &seed);
        else
            fuzz_file(file, any(&seed), &seed);
        Render render = render_of(frame);
        if (instance_render(s->effect, s->outputs[0], &render)) fail("a render failed");
        if (kind > 1)
            restore_file(file);
        else
            sane_settings(s);
        if (i % 64) continue;
        render = render_of(frame); /* what was broken is whole again */
        instance_render(s->effect, s->outputs[0], &render);
        if (shown(s, 0, frame, pixels) != 1) fail("the frame is whole again, and not shown");
        through++;
    }
    printf("{\"cases\": %ld, \"whole\": %ld}\n", count, through);
    free(pixels);
}

int main(int argc, char **argv) {
    if (argc < 8) fail("torture WHAT PLUGIN HOME PATH WIDTH HEIGHT COUNT [THREADS]");
    plugin_path = argv[2], media = argv[4];
    setenv("ANSWERPRINT_HOME", argv[3], 1);
    use_home(argv[3]);
    width = atoi(argv[5]), height = atoi(argv[6]), count = atol(argv[7]);
    threads = argc > 8 ? atoi(argv[8]) : 1;
    if (threads > THREADS_MAX) fail("too many threads");
    if (strcmp(argv[1], "loads") == 0 || strcmp(argv[1], "copies") == 0) {
        argv[1][0] == 'l' ? loads() : copies();
        return 0;
    }
    Session s;
    open_session(&s);
    if (strcmp(argv[1], "renders") == 0)
        run_workers(&s);
    else if (strcmp(argv[1], "races") == 0)
        races(&s);
    else if (strcmp(argv[1], "fuzz") == 0)
        fuzz(&s);
    else
        fail("renders, races, loads or fuzz");
    close_session(&s);
    return 0;
}
