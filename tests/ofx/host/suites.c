/* The smaller suites: memory, threads, messages, interacts and their drawing, progress, timeline; and how a plugin
   fetches any suite. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

typedef struct Mutex {
    int kind;
    Host *host;
    pthread_mutex_t mutex;
} Mutex;

static Host *host_now(void) { return current_call() ? current_call()->host : NULL; }

static void complain_now(const char *what, const char *why) {
    if (host_now()) complain(host_now(), "%s: %s", what, why);
}

/* Memory. The bytes before a block say whose it is, and that it is one. */
typedef struct {
    Host *host;
    size_t size;
    unsigned long long mark[2];
} Block;
enum { MARK = 0x5afe, FREED = 0xdead };

static OfxStatus memoryAlloc(void *handle, size_t size, void **memory) {
    (void)handle;
    Host *host = host_now();
    Block *block = host && memory ? malloc(sizeof *block + size) : NULL;
    if (!block) return StatErrMemory;
    *block = (Block){.host = host, .size = size, .mark = {MARK}};
    __atomic_add_fetch(&host->blocks, 1, __ATOMIC_RELAXED);
    *memory = memset(block + 1, 0xa5, size);
    return StatOK;
}

static OfxStatus memoryFree(void *memory) {
    Block *block = memory ? (Block *)memory - 1 : NULL;
    if (!block || block->mark[0] != MARK) {
        complain_now(__func__, "no block of the host's memory");
        return StatErrBadHandle;
    }
    __atomic_sub_fetch(&block->host->blocks, 1, __ATOMIC_RELAXED);
    block->mark[0] = FREED;
    free(block);
    return StatOK;
}

/* Threads. */
typedef struct {
    OfxThreadFunctionV1 *function;
    unsigned int index, count;
    void *argument;
    Call *call;
} Task;
static _Thread_local const Task *task_of_thread;

static void *run_task(void *argument) {
    task_of_thread = argument;
    call_adopt(task_of_thread->call);
    task_of_thread->function(task_of_thread->index, task_of_thread->count, task_of_thread->argument);
    return NULL;
}

static OfxStatus multiThread(OfxThreadFunctionV1 function, unsigned int count, void *argument) {
    if (task_of_thread) return StatErrExists; /* it may not be called by a thread that it made */
    if (!count) count = 2;
    pthread_t *threads = calloc(count, sizeof *threads);
    Task *tasks = calloc(count, sizeof *tasks);
    for (unsigned int i = 0; i < count; i++) {
        tasks[i] = (Task){function, i, count, argument, current_call()};
        if (pthread_create(&threads[i], NULL, run_task, &tasks[i])) abort();
    }
    for (unsigned int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    free(threads);
    free(tasks);
    return StatOK;
}

static OfxStatus multiThreadNumCPUs(unsigned int *count) {
    *count = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    return StatOK;
}

static OfxStatus multiThreadIndex(unsigned int *index) {
    *index = task_of_thread ? task_of_thread->index : 0;
    return StatOK;
}

static int multiThreadIsSpawnedThread(void) { return task_of_thread != NULL; }

static Mutex *mutex_of(const char *what, Mutex *mutex) {
    if (mutex && mutex->kind == MUTEX) return mutex;
    complain_now(what, "not a mutex");
    return NULL;
}

static OfxStatus mutexCreate(Mutex **mutex, int count) {
    Host *host = host_now();
    if (!host) return StatFailed; /* outside of an action, which host? */
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    *mutex = calloc(1, sizeof **mutex);
    (*mutex)->kind = MUTEX;
    (*mutex)->host = host;
    pthread_mutex_init(&(*mutex)->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    for (int i = 0; i < count; i++) pthread_mutex_lock(&(*mutex)->mutex);
    __atomic_add_fetch(&host->mutexes, 1, __ATOMIC_RELAXED);
    return StatOK;
}

static OfxStatus mutexDestroy(Mutex *mutex) {
    if (!mutex_of(__func__, mutex)) return StatErrBadHandle;
    if (pthread_mutex_destroy(&mutex->mutex)) complain_now(__func__, "it is locked");
    __atomic_sub_fetch(&mutex->host->mutexes, 1, __ATOMIC_RELAXED);
    mutex->kind = DEAD;
    free(mutex);
    return StatOK;
}

static OfxStatus mutexLock(Mutex *mutex) {
    if (!mutex_of(__func__, mutex)) return StatErrBadHandle;
    pthread_mutex_lock(&mutex->mutex);
    return StatOK;
}

static OfxStatus mutexUnLock(Mutex *mutex) {
    if (!mutex_of(__func__, mutex)) return StatErrBadHandle;
    if (pthread_mutex_unlock(&mutex->mutex)) complain_now(__func__, "not locked by this thread");
    return StatOK;
}

static OfxStatus mutexTryLock(Mutex *mutex) {
    if (!mutex_of(__func__, mutex)) return StatErrBadHandle;
    return pthread_mutex_trylock(&mutex->mutex) ? StatFailed : StatOK;
}

/* Messages. */
static bool message_type(const char *type) {
    static const char *const types[] = {"OfxMessageFatal",   "OfxMessageError", "OfxMessageWarning",
                                        "OfxMessageMessage", "OfxMessageLog",   "OfxMessageQuestion"};
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0) return true;
    complain_now("message", "no such type of message");
    return false;
}

static OfxStatus message(void *handle, const char *type, const char *id, const char *format, ...) {
    (void)id;
    Effect *effect = handle;
    if (!host_now() || !message_type(type)) return StatFailed;
    if (effect && effect->kind != EFFECT) complain_now(__func__, "not an effect");
    if (is_render_action() && strcmp(type, "OfxMessageQuestion") == 0)
        complain_now(__func__, "a question in a render thread");
    va_list arguments;
    va_start(arguments, format);
    pthread_rwlock_wrlock(&host_now()->lock);
    vsnprintf(host_now()->message, sizeof host_now()->message, format, arguments);
    pthread_rwlock_unlock(&host_now()->lock);
    va_end(arguments);
    return strcmp(type, "OfxMessageQuestion") == 0 ? StatReplyNo : StatOK;
}

static OfxStatus setPersistentMessage(void *handle, const char *type, const char *id, const char *format, ...) {
    (void)id;
    Effect *effect = handle;
    if (!effect || effect->kind != EFFECT || !effect->instance) {
        complain_now(__func__, "not an instance");
        return StatErrBadHandle;
    }
    if (!message_type(type)) return StatFailed;
    if (strcmp(type, "OfxMessageQuestion") == 0 || strcmp(type, "OfxMessageLog") == 0 ||
        strcmp(type, "OfxMessageFatal") == 0)
        complain_now(__func__, "not a type of persistent message");
    va_list arguments;
    va_start(arguments, format);
    pthread_rwlock_wrlock(&effect->host->lock);
    vsnprintf(effect->persistent_message, sizeof effect->persistent_message, format, arguments);
    snprintf(effect->persistent_type, sizeof effect->persistent_type, "%s", type);
    pthread_rwlock_unlock(&effect->host->lock);
    va_end(arguments);
    return StatOK;
}

static OfxStatus clearPersistentMessage(void *handle) {
    Effect *effect = handle;
    if (!effect || effect->kind != EFFECT || !effect->instance) {
        complain_now(__func__, "not an instance");
        return StatErrBadHandle;
    }
    pthread_rwlock_wrlock(&effect->host->lock);
    effect->persistent_message[0] = effect->persistent_type[0] = 0;
    pthread_rwlock_unlock(&effect->host->lock);
    return StatOK;
}

/* Interacts. */
static OfxStatus interactSwapBuffers(Interact *interact) {
    (void)interact;
    complain_now(__func__, "an overlay shares its buffers with the host");
    return StatFailed;
}

static OfxStatus interactRedraw(Interact *interact) {
    if (!interact || interact->kind != INTERACT) {
        complain_now(__func__, "not an interact");
        return StatErrBadHandle;
    }
    if (interact->drawing) complain_now(__func__, "while it is drawn");
    interact->effect->host->redraws++;
    return StatOK;
}

static OfxStatus interactGetPropertySet(Interact *interact, PropertySet **properties) {
    if (!interact || interact->kind != INTERACT) {
        complain_now(__func__, "not an interact");
        return StatErrBadHandle;
    }
    *properties = &interact->properties;
    return StatOK;
}

static Interact *drawing(const char *what, OfxDrawContextHandle context) {
    Interact *interact = context ? (Interact *)((char *)context - offsetof(Interact, drawing_kind)) : NULL;
    if (interact && interact->drawing_kind == DRAWING && interact->drawing) return interact;
    complain_now(what, "not the context of a draw action");
    return NULL;
}

static OfxStatus getColour(OfxDrawContextHandle context, int which, OfxRGBAColourF *colour) {
    if (!drawing(__func__, context)) return StatErrBadHandle;
    if (which < 0 || which > 7) return StatErrValue;
    *colour = (OfxRGBAColourF){1, 1, 1, 1};
    return StatOK;
}
static OfxStatus setColour(OfxDrawContextHandle context, const OfxRGBAColourF *colour) {
    return drawing(__func__, context) && colour ? StatOK : StatErrBadHandle;
}
static OfxStatus setLineWidth(OfxDrawContextHandle context, float width) {
    if (width < 0) complain_now(__func__, "below 0");
    return drawing(__func__, context) ? StatOK : StatErrBadHandle;
}
static OfxStatus setLineStipple(OfxDrawContextHandle context, int pattern) {
    if (pattern < 0 || pattern > 5) complain_now(__func__, "no such pattern");
    return drawing(__func__, context) ? StatOK : StatErrBadHandle;
}
static OfxStatus draw(OfxDrawContextHandle context, int primitive, const OfxPointD *points, int count) {
    Interact *interact = drawing(__func__, context);
    if (!interact || !points) return StatErrBadHandle;
    if (primitive < 0 || primitive > 5 || count < 2) complain_now(__func__, "no such figure, or too few points");
    interact->lines++;
    return StatOK;
}
static OfxStatus drawText(OfxDrawContextHandle context, const char *text, const OfxPointD *at, int alignment) {
    (void)alignment;
    Interact *interact = drawing(__func__, context);
    if (!interact || !text || !at) return StatErrBadHandle;
    interact->words++;
    return StatOK;
}

/* Progress and timeline. */
static OfxStatus progressStart(void *effect, const char *label) {
    (void)effect, (void)label;
    if (host_now() && host_now()->progress++) complain_now(__func__, "already started");
    return StatOK;
}
static OfxStatus progressUpdate(void *effect, double progress) {
    (void)effect;
    if (!host_now() || !host_now()->progress) complain_now(__func__, "not started");
    if (!(progress >= 0 && progress <= 1)) complain_now(__func__, "not in 0..1");
    return StatOK;
}
static OfxStatus progressEnd(void *effect) {
    (void)effect;
    if (host_now() && --host_now()->progress) complain_now(__func__, "not started");
    return StatOK;
}
static OfxStatus getTime(void *effect, double *time) {
    (void)effect;
    *time = host_now() ? host_now()->timeline : 0;
    return StatOK;
}
static OfxStatus gotoTime(void *effect, double time) {
    (void)effect;
    if (is_render_action()) complain_now(__func__, "in an action of render threads");
    if (host_now()) host_now()->timeline = time;
    return StatOK;
}
static OfxStatus getTimeBounds(void *effect, double *first, double *last) {
    (void)effect;
    *first = host_now() ? host_now()->timeline_first : 0;
    *last = host_now() ? host_now()->timeline_last : 0;
    return StatOK;
}

const OfxMemorySuiteV1 memory_suite = {memoryAlloc, memoryFree};
const OfxMultiThreadSuiteV1 multi_thread_suite = {
    multiThread, multiThreadNumCPUs, multiThreadIndex, multiThreadIsSpawnedThread, mutexCreate, mutexDestroy,
    mutexLock,   mutexUnLock,        mutexTryLock,
};
const OfxMessageSuiteV2 message_suite = {message, setPersistentMessage, clearPersistentMessage};
const OfxInteractSuiteV1 interact_suite = {interactSwapBuffers, interactRedraw, interactGetPropertySet};
const OfxDrawSuiteV1 draw_suite = {getColour, setColour, setLineWidth, setLineStipple, draw, drawText};
const OfxProgressSuiteV1 progress_suite = {progressStart, progressUpdate, progressEnd};
const OfxTimeLineSuiteV1 timeline_suite = {getTime, gotoTime, getTimeBounds};

static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *found = list; found && (found = strstr(found, name)); found += length)
        if ((found == list || found[-1] == ',') && (found[length] == 0 || found[length] == ',')) return true;
    return false;
}

const void *fetch_suite(OfxPropertySetHandle properties, const char *name, int version) {
    static const struct {
        const char *name;
        int version;
        const void *suite;
    } suites[] = {
        {"OfxPropertySuite", 1, &property_suite},
        {"OfxImageEffectSuite", 1, &image_effect_suite},
        {"OfxParameterSuite", 1, &parameter_suite},
        {"OfxMemorySuite", 1, &memory_suite},
        {"OfxMultiThreadSuite", 1, &multi_thread_suite},
        {"OfxMessageSuite", 1, &message_suite},
        {"OfxMessageSuite", 2, &message_suite},
        {"OfxInteractSuite", 1, &interact_suite},
        {"OfxDrawSuite", 1, &draw_suite},
        {"OfxProgressSuite", 1, &progress_suite},
        {"OfxTimeLineSuite", 1, &timeline_suite},
    };
    static const char *const unserved = /* of the standard; a plugin may ask for them */
        "OfxProgressSuite,OfxParametricParameterSuite,OfxImageEffectOpenGLRenderSuite,OfxOpenCLProgramSuite,"
        "OfxDialogSuite";
    if (!properties || properties->kind != PROPERTIES || !name) return NULL;
    Host *host = properties->host;
    if (!current_call()) complain(host, "fetchSuite(%s): before the load action", name);
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (strcmp(name, suites[i].name) == 0 && version == suites[i].version) {
            char versioned[96];
            snprintf(versioned, sizeof versioned, "%s/%d", name, version);
            return listed(host->without, name) || listed(host->without, versioned) ? NULL : suites[i].suite;
        }
    if (!listed(unserved, name)) complain(host, "fetchSuite(%s, %d): no such suite in the standard", name, version);
    return NULL;
}
