import TallyCore
import TallyRuntime

/// What the servers themselves say.
extension Diagnosis {
    /// `count` of `most` in percent; nil where there is no bound.
    private static func share(_ count: Int, of most: Int) -> Int? {
        most > 0 ? Int((Double(count) * 100 / Double(most)).rounded(.down)) : nil
    }

    private static func size(_ bytes: Int) -> String {
        let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        guard let (name, unit) = units.first(where: { bytes >= $0.1 }) else { return "\(bytes) bytes" }
        let tenths = bytes / (unit / 10)
        return tenths >= 100 ? "\(tenths / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
    }

    // MARK: Redis

    static func ofQueue(_ name: String, _ asked: Asked<QueueVitals>, _ mode: Durability) -> [Finding] {
        switch asked {
        case .nobody: return []
        case .failed(let why):
            return [
                Finding(
                    "redis_away", name, .alarm, "cannot be asked: \(why)",
                    mend: "start it, or mend TALLY_REDIS_URL; recorded enqueues wait in the outbox meanwhile")
            ]
        case .told(let vitals):
            return server(name, vitals) + appending(name, vitals, mode) + room(name, vitals)
                + login(name, vitals)
        }
    }

    private static func server(_ name: String, _ v: QueueVitals) -> [Finding] {
        var all: [Finding] = []
        let major = Int(v.version.prefix { $0 != "." }) ?? 0
        let product = v.product == "redis" ? "Redis" : "Valkey"
        if major < 7 {
            all.append(
                Finding(
                    "redis_version", name, .alarm, "has version \(v.version); functions need 7 or later",
                    mend: "upgrade it to Redis 7 or Valkey"))
        } else {
            all.append(Finding("redis_version", name, .good, "\(product) \(v.version) at \(v.place)"))
        }
        if v.isCluster {
            all.append(
                Finding(
                    "redis_role", name, .alarm, "is a cluster, which is not supported",
                    mend: "use single primaries, and name several of them for several shards"))
        } else if !v.isPrimary {
            all.append(
                Finding(
                    "redis_role", name, .alarm, "is a replica and takes no writes",
                    mend: "let TALLY_REDIS_URL name its primary"))
        }
        if v.isLoading {
            all.append(
                Finding("redis_loading", name, .alarm, "is still reading its data", mend: "wait for it"))
        }
        if v.evictionPolicy == "noeviction" {
            all.append(Finding("eviction", name, .good, "throws nothing away when memory ends"))
        } else {
            all.append(
                Finding(
                    "eviction", name, .alarm,
                    "has maxmemory-policy \(v.evictionPolicy), which throws jobs away",
                    mend: "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"))
        }
        if v.hasFunctions == false {
            all.append(
                Finding(
                    "functions", name, .note, "does not hold this program's functions yet: a start loads them"
                ))
        }
        return all
    }

    private static func appending(_ name: String, _ v: QueueVitals, _ mode: Durability) -> [Finding] {
        var all: [Finding] = []
        let isAlone = mode == .queued
        if !v.isAppending {
            all.append(
                Finding(
                    "aof", name, isAlone ? .mend : .note,
                    "keeps no append-only file: a crash "
                        + (isAlone ? "loses every job since" : "makes jobs run again that ended after")
                        + " the last snapshot",
                    mend: "CONFIG SET appendonly yes, and the same in redis.conf"))
        } else if v.appendSync == "no" {
            all.append(
                Finding(
                    "aof", name, isAlone ? .mend : .note,
                    "leaves it to the system when its file reaches the disk",
                    mend: "CONFIG SET appendfsync everysec, or always"))
        } else {
            let sync = v.appendSync.map { ", synced \($0)" } ?? ""
            all.append(Finding("aof", name, .good, "keeps an append-only file\(sync)"))
        }
        if v.hasAppendFailed {
            all.append(
                Finding(
                    "aof_failed", name, .alarm, "could not write its append-only file",
                    mend: "see whether its disk is full, and its log"))
        }
        if v.hasSnapshotFailed {
            all.append(
                Finding(
                    "snapshot_failed", name, .mend,
                    "could not write its last snapshot, for which it may refuse all writes",
                    mend:
                        "see whether its disk is full and fork is allowed (vm.overcommit_memory), and its log"
                ))
        }
        return all
    }

    private static func room(_ name: String, _ v: QueueVitals) -> [Finding] {
        var all: [Finding] = []
        if let percent = share(v.usedMemory, of: v.maxMemory) {
            let text = "uses \(size(v.usedMemory)) of its maxmemory \(size(v.maxMemory)), \(percent) %"
            if percent >= Limits.tightPercent {
                all.append(
                    Finding(
                        "memory", name, percent >= Limits.fullPercent ? .alarm : .mend, text,
                        mend:
                            "raise maxmemory, or add workers: enqueues are refused at its end, nothing is lost"
                    ))
            } else {
                all.append(Finding("memory", name, .good, text))
            }
        } else {
            all.append(
                Finding(
                    "memory", name, .note,
                    "has no maxmemory and uses \(size(v.usedMemory)): where memory ends, the system ends Redis",
                    mend: "set maxmemory to what the machine can spare: then enqueues are refused instead"))
        }
        if let percent = share(v.clients, of: v.maxClients) {
            let text = "has \(v.clients) of \(v.maxClients) connections"
            if percent >= Limits.tightPercent {
                all.append(
                    Finding(
                        "connections", name, percent >= Limits.fullPercent ? .alarm : .mend, text,
                        mend: "CONFIG SET maxclients, and the limit of open files of its service"))
            } else {
                all.append(Finding("connections", name, .good, text))
            }
        }
        return all
    }

    private static func login(_ name: String, _ v: QueueVitals) -> [Finding] {
        if v.hasLogin { return [Finding("login", name, .good, "is logged in to")] }
        if v.isLocal {
            return [
                Finding(
                    "login", name, .note,
                    "is used without a login; `tally doctor --print-acl` has the least rights")
            ]
        }
        return [
            Finding(
                "login", name, .mend,
                "is used without a login over the network: who reaches it may do everything",
                mend: "make a user by `tally doctor --print-acl`, and name it in TALLY_REDIS_URL")
        ]
    }

    // MARK: Postgres

    /// How a setting of a login is mended, wherever it was set.
    private static func reset(_ setting: String) -> String {
        "`ALTER ROLE LOGIN RESET \(setting)`; where the whole database or server is set so, `ALTER DATABASE` or "
            + "`ALTER SYSTEM` does it"
    }

    /// - Parameter isCutShort: the server was there, and ended the question by a limit of the login.
    static func ofLedger(_ asked: Asked<LedgerVitals>, isCutShort: Bool) -> [Finding] {
        let name = "postgres"
        switch asked {
        case .nobody:
            return [Finding("postgres_none", name, .note, "is not configured: jobs are kept by Redis alone")]
        case .failed(let why) where isCutShort:
            return [
                Finding(
                    "statement_timeout", name, .alarm,
                    "ends this login's statements before they answer: \(why)",
                    mend: reset("statement_timeout"))
            ]
        case .failed(let why):
            return [
                Finding(
                    "postgres_away", name, .alarm, "cannot be asked: \(why)",
                    mend: "start it, or mend TALLY_POSTGRES_URL; running jobs go on meanwhile")
            ]
        case .told(let vitals):
            return database(name, vitals) + settings(name, vitals) + durability(name, vitals)
                + encryption(name, vitals) + rights(name, vitals)
        }
    }

    private static func database(_ name: String, _ v: LedgerVitals) -> [Finding] {
        var all: [Finding] = []
        let major = Int(v.version.prefix { $0.isNumber }) ?? 0
        if major < 15 {
            all.append(
                Finding(
                    "postgres_version", name, .mend, "has version \(v.version); 15 and later are supported",
                    mend: "upgrade it"))
        } else {
            all.append(
                Finding(
                    "postgres_version", name, .good,
                    "Postgres \(v.version) at \(v.place), whose database takes \(size(v.databaseBytes))"))
        }
        if v.isStandby {
            all.append(
                Finding(
                    "postgres_role", name, .alarm, "is a standby and takes no writes",
                    mend: "let TALLY_POSTGRES_URL name the primary"))
        }
        if v.encoding != "UTF8" {
            all.append(
                Finding(
                    "encoding", name, .alarm, "keeps text as \(v.encoding), and a ledger needs UTF8",
                    mend: "`createdb -E UTF8 -T template0 NEW`, and put NEW into TALLY_POSTGRES_URL"))
        }
        if let percent = share(v.connections, of: v.maxConnections), percent >= Limits.tightPercent {
            all.append(
                Finding(
                    "connections", name, percent >= Limits.fullPercent ? .alarm : .mend,
                    "has \(v.connections) of \(v.maxConnections) connections",
                    mend: "put a pooler before it in transaction mode, or raise max_connections"))
        } else {
            all.append(
                Finding(
                    "connections", name, .good, "has \(v.connections) of \(v.maxConnections) connections"))
        }
        return all
    }

    /// What is set for this login, and changes what statements do.
    private static func settings(_ name: String, _ v: LedgerVitals) -> [Finding] {
        var all: [Finding] = []
        if v.isTooStrict {
            all.append(
                Finding(
                    "isolation", name, .alarm, "begins this login's transactions as \(v.isolation)",
                    mend: "set default_transaction_isolation of the login to 'read committed'"))
        }
        if !v.hasStandardStrings {
            all.append(
                Finding(
                    "strings", name, .alarm,
                    "has standard_conforming_strings off for this login, and functions of a ledger need it on",
                    mend: reset("standard_conforming_strings")))
        }
        // Of a standby that is told already.
        if v.isReadOnly, !v.isStandby {
            all.append(
                Finding(
                    "read_only", name, .alarm,
                    "is no standby, and takes no writes of this login: default_transaction_read_only is on",
                    mend: reset("default_transaction_read_only")))
        }
        if v.statementLimit > .zero, v.statementLimit < Limits.lockWait {
            all.append(
                Finding(
                    "statement_timeout", name, .alarm,
                    "ends each statement of this login after \(v.statementLimit.short): statement_timeout is too "
                        + "short, less than the \(Limits.lockWait.short) that a row is waited for",
                    mend: reset("statement_timeout")))
        }
        return all
    }

    private static func durability(_ name: String, _ v: LedgerVitals) -> [Finding] {
        if !v.syncsFiles {
            return [
                Finding(
                    "durability", name, .mend,
                    "runs with fsync off: a crash of the machine may lose everything",
                    mend: "set fsync = on, unless this is a server for tests")
            ]
        }
        if !v.waitsForDisk {
            return [
                Finding(
                    "durability", name, .mend,
                    "runs with synchronous_commit off: a crash loses jobs that were acknowledged",
                    mend: "set synchronous_commit of the login to on")
            ]
        }
        return [Finding("durability", name, .good, "has a commit on its disk before it answers")]
    }

    private static func encryption(_ name: String, _ v: LedgerVitals) -> [Finding] {
        let mend = "add sslmode=verify-full and sslrootcert=FILE behind ? in TALLY_POSTGRES_URL"
        if v.isLocal { return [Finding("encryption", name, .good, "is on this machine")] }
        if !v.isEncrypted {
            return [
                Finding(
                    "encryption", name, .mend,
                    "is reached over the network without encryption: who listens reads every payload",
                    mend: mend)
            ]
        }
        if v.sslMode != "verify-full" {
            return [
                Finding(
                    "encryption", name, .note,
                    "is reached encrypted, but with sslmode=\(v.sslMode) another server could pose as it",
                    mend: mend)
            ]
        }
        return [Finding("encryption", name, .good, "is reached encrypted, and is the server that was meant")]
    }

    private static func rights(_ name: String, _ v: LedgerVitals) -> [Finding] {
        if v.isSuperuser {
            return [
                Finding(
                    "rights", name, .note, "is used as a superuser",
                    mend: "`tally doctor --print-roles` makes roles with the least rights")
            ]
        }
        if v.lacking.isEmpty {
            return [Finding("rights", name, .good, "grants every right of the writer's role")]
        }
        let others = v.lacking.count - Limits.namedRights
        let named = v.lacking.prefix(Limits.namedRights).joined(separator: "; ")
        return [
            Finding(
                "rights", name, .note,
                "does not grant this login \(named)\(others > 0 ? "; and \(others) more" : "")",
                mend:
                    "a service needs tally_writer (`tally doctor --print-roles`); to look or to enqueue needs less"
            )
        ]
    }
}
