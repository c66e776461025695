#include "CQueueFunctions.h"

/* Order matters: the keys and the library first, then what a verb calls before the verb. */
static const char text[] = {
#embed "../TallyRedis/Functions/layout.lua"
    ,
#embed "../TallyRedis/Functions/library.lua"
    ,
#embed "../TallyRedis/Functions/detour.lua"
    ,
#embed "../TallyRedis/Functions/append.lua"
    ,
#embed "../TallyRedis/Functions/waiting.lua"
    ,
#embed "../TallyRedis/Functions/account.lua"
    ,
#embed "../TallyRedis/Functions/epoch.lua"
    ,
#embed "../TallyRedis/Functions/reply.lua"
    ,
#embed "../TallyRedis/Functions/record.lua"
    ,
#embed "../TallyRedis/Functions/parked.lua"
    ,
#embed "../TallyRedis/Functions/leave.lua"
    ,
#embed "../TallyRedis/Functions/lease.lua"
    ,
#embed "../TallyRedis/Functions/attach.lua"
    ,
#embed "../TallyRedis/Functions/judge.lua"
    ,
#embed "../TallyRedis/Functions/enter.lua"
    ,
#embed "../TallyRedis/Functions/push.lua"
    ,
#embed "../TallyRedis/Functions/reclaim.lua"
    ,
#embed "../TallyRedis/Functions/promote.lua"
    ,
#embed "../TallyRedis/Functions/share.lua"
    ,
#embed "../TallyRedis/Functions/reserve.lua"
    ,
#embed "../TallyRedis/Functions/types.lua"
    ,
#embed "../TallyRedis/Functions/duties.lua"
    ,
#embed "../TallyRedis/Functions/extend.lua"
    ,
#embed "../TallyRedis/Functions/ack.lua"
    ,
#embed "../TallyRedis/Functions/settle.lua"
    ,
#embed "../TallyRedis/Functions/retry.lua"
    ,
#embed "../TallyRedis/Functions/fail.lua"
    ,
#embed "../TallyRedis/Functions/release.lua"
    ,
#embed "../TallyRedis/Functions/cancel.lua"
    ,
#embed "../TallyRedis/Functions/change.lua"
    ,
#embed "../TallyRedis/Functions/pause.lua"
    ,
#embed "../TallyRedis/Functions/heartbeat.lua"
    ,
#embed "../TallyRedis/Functions/tell.lua"
    ,
#embed "../TallyRedis/Functions/open.lua"
    ,
#embed "../TallyRedis/Functions/log.lua"
    ,
#embed "../TallyRedis/Functions/report.lua"
    ,
#embed "../TallyRedis/Functions/inspect.lua"
    ,
#embed "../TallyRedis/Functions/scan.lua"
    ,
#embed "../TallyRedis/Functions/count.lua"
    ,
#embed "../TallyRedis/Functions/repair.lua"
    ,
#embed "../TallyRedis/Functions/place.lua"
    ,
#embed "../TallyRedis/Functions/walk.lua"
    ,
#embed "../TallyRedis/Functions/survey.lua"
    ,
#embed "../TallyRedis/Functions/pair.lua"
    ,
#embed "../TallyRedis/Functions/homes.lua"
    ,
#embed "../TallyRedis/Functions/raise.lua"
    ,
#embed "../TallyRedis/Functions/fence.lua"
    ,
#embed "../TallyRedis/Functions/roster.lua"
    ,
#embed "../TallyRedis/Functions/keys.lua"
    ,
#embed "../TallyRedis/Functions/foreign.lua"
    , 0};

const char *tally_function_library(void) { return text; }
