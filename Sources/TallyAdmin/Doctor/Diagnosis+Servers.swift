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

    private static func server(_ name: String, _ vitals: QueueVitals) -> [Finding] {
        var all: [Finding] = []
        let major = Int(vitals.version.prefix { $0 != "." }) ?? 0
        let product = vitals.product == "redis" ? "Redis" : "Valkey"
        if major < 7 {
            all.append(
                Finding(
                    "redis_version", name, .alarm, "has version \(vitals.version); functions need 7 or later",
                    mend: "upgrade it to Redis 7 or Valkey"))
        } else {
            all.append(
                Finding("redis_version", name, .good, "\(product) \(vitals.version) at \(vitals.place)"))
        }
        if vitals.isCluster {
            all.append(
                Finding(
                    "redis_role", name, .alarm, "is a cluster, which is not supported",
                    mend: "use single primaries, and name several of them for several shards"))
        } else if !vitals.isPrimary {
            all.append(
                Finding(
                    "redis_role", name, .alarm, "is a replica and takes no writes",
                    mend: "let TALLY_REDIS_URL name its primary"))
        }
        if vitals.isLoading {
            all.append(
                Finding("redis_loading", name, .alarm, "is still reading its data", mend: "wait for it"))
        }
        if vitals.evictionPolicy == "noeviction" {
            all.append(Finding("eviction", name, .good, "throws nothing away when memory ends"))
        } else {
            all.append(
                Finding(
                    "eviction", name, .alarm,
                    "has maxmemory-policy \(vitals.evictionPolicy), which throws jobs away",
                    mend: "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"))
        }
        if vitals.hasFunctions == false {
            all.append(
                Finding(
                    "functions", name, .note, "does not hold this program's functions yet: a start loads them"
                ))
        }
        return all
    }

    private static func appending(_ name: String, _ vitals: QueueVitals, _ mode: Durability) -> [Finding] {
        var all: [Finding] = []
        let isAlone = mode == .queued
        if !vitals.isAppending {
            all.append(
                Finding(
                    "aof", name, isAlone ? .mend : .note,
                    "keeps no append-only file: a crash "
                        + (isAlone ? "loses every job since" : "makes jobs run again that ended after")
                        + " the last snapshot",
                    mend: "CONFIG SET appendonly yes, and the same in redis.conf"))
        } else if vitals.appendSync == "no" {
            all.append(
                Finding(
                    "aof", name, isAlone ? .mend : .note,
                    "leaves it to the system when its file reaches the disk",
                    mend: "CONFIG SET appendfsync everysec, or always"))
        } else {
            let sync = vitals.appendSync.map { ", synced \($0)" } ?? ""
            all.append(Finding("aof", name, .good, "keeps an append-only file\(sync)"))
        }
        if vitals.hasAppendFailed {
            all.append(
                Finding(
                    "aof_failed", name, .alarm, "could not write its append-only file",
                    mend: "see whether its disk is full, and its log"))
        }
        if vitals.hasSnapshotFailed {
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

    private static func room(_ name: String, _ vitals: QueueVitals) -> [Finding] {
        var all: [Finding] = []
        if let percent = share(vitals.usedMemory, of: vitals.maxMemory) {
            let text =
                "uses \(size(vitals.usedMemory)) of its maxmemory \(size(vitals.maxMemory)), \(percent) %"
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
                    "has no maxmemory and uses \(size(vitals.usedMemory)): where memory ends, the system ends Redis",
                    mend: "set maxmemory to what the machine can spare: then enqueues are refused instead"))
        }
        if let percent = share(vitals.clients, of: vitals.maxClients) {
            let text = "has \(vitals.clients) of \(vitals.maxClients) connections"
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

    private static func login(_ name: String, _ vitals: QueueVitals) -> [Finding] {
        if vitals.hasLogin { return [Finding("login", name, .good, "is logged in to")] }
        if vitals.isLocal {
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

    private static func database(_ name: String, _ vitals: LedgerVitals) -> [Finding] {
        var all: [Finding] = []
        let major = Int(vitals.version.prefix { $0.isNumber }) ?? 0
        if major < 15 {
            all.append(
                Finding(
                    "postgres_version", name, .mend,
                    "has version \(vitals.version); 15 and later are supported",
                    mend: "upgrade it"))
        } else {
            all.append(
                Finding(
                    "postgres_version", name, .good,
                    "Postgres \(vitals.version) at \(vitals.place), whose database takes "
                        + size(vitals.databaseBytes)))
        }
        if vitals.isStandby {
            all.append(
                Finding(
                    "postgres_role", name, .alarm, "is a standby and takes no writes",
                    mend: "let TALLY_POSTGRES_URL name the primary"))
        }
        if vitals.encoding != "UTF8" {
            all.append(
                Finding(
                    "encoding", name, .alarm, "keeps text as \(vitals.encoding), and a ledger needs UTF8",
                    mend: "`createdb -E UTF8 -T template0 NEW`, and put NEW into TALLY_POSTGRES_URL"))
        }
        if let percent = share(vitals.connections, of: vitals.maxConnections), percent >= Limits.tightPercent
        {
            all.append(
                Finding(
                    "connections", name, percent >= Limits.fullPercent ? .alarm : .mend,
                    "has \(vitals.connections) of \(vitals.maxConnections) connections",
                    mend: "put a pooler before it in transaction mode, or raise max_connections"))
        } else {
            all.append(
                Finding(
                    "connections", name, .good,
                    "has \(vitals.connections) of \(vitals.maxConnections) connections"))
        }
        return all
    }

    /// What is set for this login, and changes what statements do.
    private static func settings(_ name: String, _ vitals: LedgerVitals) -> [Finding] {
        var all: [Finding] = []
        if vitals.isTooStrict {
            all.append(
                Finding(
                    "isolation", name, .alarm, "begins this login's transactions as \(vitals.isolation)",
                    mend: "set default_transaction_isolation of the login to 'read committed'"))
        }
        if !vitals.hasStandardStrings {
            all.append(
                Finding(
                    "strings", name, .alarm,
                    "has standard_conforming_strings off for this login, and functions of a ledger need it on",
                    mend: reset("standard_conforming_strings")))
        }
        // Of a standby that is told already.
        if vitals.isReadOnly, !vitals.isStandby {
            all.append(
                Finding(
                    "read_only", name, .alarm,
                    "is no standby, and takes no writes of this login: default_transaction_read_only is on",
                    mend: reset("default_transaction_read_only")))
        }
        if vitals.statementLimit > .zero, vitals.statementLimit < Limits.lockWait {
            all.append(
                Finding(
                    "statement_timeout", name, .alarm,
                    "ends each statement of this login after \(vitals.statementLimit.short): statement_timeout is "
                        + "too short, less than the \(Limits.lockWait.short) that a row is waited for",
                    mend: reset("statement_timeout")))
        }
        return all
    }

    private static func durability(_ name: String, _ vitals: LedgerVitals) -> [Finding] {
        if !vitals.syncsFiles {
            return [
                Finding(
                    "durability", name, .mend,
                    "runs with fsync off: a crash of the machine may lose everything",
                    mend: "set fsync = on, unless this is a server for tests")
            ]
        }
        if !vitals.waitsForDisk {
            return [
                Finding(
                    "durability", name, .mend,
                    "runs with synchronous_commit off: a crash loses jobs that were acknowledged",
                    mend: "set synchronous_commit of the login to on")
            ]
        }
        return [Finding("durability", name, .good, "has a commit on its disk before it answers")]
    }

    private static func encryption(_ name: String, _ vitals: LedgerVitals) -> [Finding] {
        let mend = "add sslmode=verify-full and sslrootcert=FILE behind ? in TALLY_POSTGRES_URL"
        if vitals.isLocal { return [Finding("encryption", name, .good, "is on this machine")] }
        if !vitals.isEncrypted {
            return [
                Finding(
                    "encryption", name, .mend,
                    "is reached over the network without encryption: who listens reads every payload",
                    mend: mend)
            ]
        }
        if vitals.sslMode != "verify-full" {
            return [
                Finding(
                    "encryption", name, .note,
                    "is reached encrypted, but with sslmode=\(vitals.sslMode) another server could pose as it",
                    mend: mend)
            ]
        }
        return [Finding("encryption", name, .good, "is reached encrypted, and is the server that was meant")]
    }

    private static func rights(_ name: String, _ vitals: LedgerVitals) -> [Finding] {
        if vitals.isSuperuser {
            return [
                Finding(
                    "rights", name, .note, "is used as a superuser",
                    mend: "`tally doctor --print-roles` makes roles with the least rights")
            ]
        }
        if vitals.lacking.isEmpty {
            return [Finding("rights", name, .good, "grants every right of the writer's role")]
        }
        let others = vitals.lacking.count - Limits.namedRights
        let named = vitals.lacking.prefix(Limits.namedRights).joined(separator: "; ")
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
