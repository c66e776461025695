import TallyCore

extension ModelSession {
    /// One random verb on both, then a look at every job on both.
    func takeStep() async throws {
        passTime()
        switch Int.random(in: 0..<100, using: &random) {
        case ..<22: try await push()
        case ..<42: try await reserve()
        case ..<53:
            try await settle("ack") { queue, lease in
                try await queue.settle([.ack(lease, result: [7])])
            }
        case ..<61: try await retry()
        case ..<66: try await fail()
        case ..<68: try await release()
        case ..<70: try await mixed()
        case ..<77: try await extend()
        case ..<84:
            // What a driver may lack is left out where it does.
            if step.isMultiple(of: 4), queues.subject.store.changes != nil {
                try await change()
            } else {
                try await cancel()
            }
        case ..<87: try await sweep("promote") { try await $0.promote($1) }
        case ..<90: try await sweep("reclaim") { try await $0.reclaim($1) }
        case ..<91: try await pause()
        case ..<92: try await raiseRecordLayout()
        case ..<96: try await recordOrFinish()
        case ..<99: try await repair()
        default: try await invalid()
        }
        try await look()
    }

    /// Every job, every tombstone and the length of the log must be the same on both.
    func look() async throws {
        let ids = slots.map(\.record.id)
        var views: [QueueView] = []
        for role in [Role.reference, .subject] {
            views.append(try await queues[role].inspection.inspect(ids))
        }
        for id in ids {
            let held = Pair(
                reference: views[0].held[id].map { plain($0, .reference) },
                subject: views[1].held[id].map { plain($0, .subject) })
            if held.reference != held.subject {
                throw difference("inspect \(id)", held.reference as Any, held.subject as Any)
            }
            let ended = Pair(reference: views[0].ended[id], subject: views[1].ended[id])
            if ended.reference != ended.subject {
                throw difference("ended \(id)", ended.reference as Any, ended.subject as Any)
            }
        }
        let written = Pair(
            reference: views[0].history.seq - logStart.reference.seq,
            subject: views[1].history.seq - logStart.subject.seq)
        if written.reference != written.subject {
            throw difference("log entries written", written.reference, written.subject)
        }
        makeRoom(ended: views[0].ended)
    }

    /// Lets an ended job go at times, so that most jobs in play have something before them.
    private func makeRoom(ended: [JobID: QueueView.Ended]) {
        guard random.chance(25), let index = slots.indices.randomElement(using: &random) else { return }
        let id = slots[index].record.id
        guard ended[id] != nil else { return }
        gone.append(id)
        slots[index] = makeSlot()
    }

    // MARK: - Enqueue

    private func push() async throws {
        var pushes: [Push] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let index = Int.random(in: slots.indices, using: &random)
            var record = slots[index].record
            if random.chance(10) {
                let version = slots[index].top + 1
                if random.chance(80) { slots[index].top = version }
                pushes.append(
                    Push(
                        record, version: version, runAt: someTime(),
                        attempts: Int.random(in: 0...2, using: &random)))
                continue
            }
            if random.chance(5) { record.body.append(1) }
            pushes.append(Push(record, isRecorded: slots[index].isRecorded))
        }
        let isIssued = random.chance(30)
        let age = random.chance(15) ? Limits.issued + .microseconds(1) : Limits.issued
        let isForeign = random.chance(5)
        try await both("push \(pushes.map { "\($0.record.id) v\($0.version)" })") { role in
            let issued = try await self.issued(role, age: age, isForeign: isForeign)
            return try await self.queues[role].enqueueing.push(
                pushes, issued: isIssued ? issued : nil)
        }
    }

    /// Jobs that were refused before it go in after it.
    private func raiseRecordLayout() async throws {
        try await both("raise record layout") { role in
            try await self.queues[role].store.recordLayout?.raiseRecordLayout(to: JobRecord.newestLayout)
            try await self.stores[role].ledger.recordLayout?.raiseRecordLayout(to: JobRecord.newestLayout)
            return try await self.queues[role].store.recordLayout?.recordLayout()
        }
    }

    private func issued(_ role: Role, age: Duration, isForeign: Bool) async throws -> Issued {
        let epoch = try await queues[role].transitions.history().epoch
        return Issued(epoch: isForeign ? epoch + 1 : epoch, at: now - age)
    }

    /// A recorded job through the ledger, or the end of its outbox row as the client does it.
    private func recordOrFinish() async throws {
        guard let index = slots.indices.filter({ slots[$0].isRecorded }).randomElement(using: &random) else {
            return
        }
        let record = slots[index].record
        var outbox = slots[index].outbox
        if outbox.reference != nil, random.chance(50) {
            let row = outbox
            try await both("finishOutbox") { role in
                if let id = row[role] { try await self.stores[role].ledger.outbox.finishOutbox(id) }
                return true
            }
            return
        }
        try await both("record \(record.id)") { role in
            let receipt = try await self.stores[role].ledger.recording.record([record])
            outbox[role] = receipt.outbox ?? outbox[role]
            return receipt.answers
        }
        // Finished before it was pushed, the row would strand the job: the client pushes first.
        try await both("push of the recorded \(record.id)") { role in
            try await self.queues[role].enqueueing.push(
                [Push(record, isRecorded: true)], issued: nil)
        }
        slots[index].outbox = outbox
    }

    // MARK: - Lease

    private func reserve() async throws {
        let wanted =
            random.chance(50) ? names.shuffled(using: &random) : [names.randomElement(using: &random)!]
        let wish = ReserveWish(
            wanted, limit: Int.random(in: 0...5, using: &random),
            lease: .microseconds(Int64.random(in: 1...8_000_000, using: &random)), worker: WorkerID("model"))
        var found: Pair<[ReservedJob]> = Pair(reference: [], subject: [])
        let answer = try await both("reserve \(wish.limit) of \(wanted)") { role in
            var answer = try await self.queues[role].leasing.reserve(wish)
            found[role] = answer.jobs
            for index in answer.jobs.indices {
                answer.jobs[index].lease = self.plain(answer.jobs[index].lease, role)
            }
            return answer
        }
        nextEvent = answer?.nextEvent
        for (reference, subject) in zip(found.reference, found.subject) {
            leases.append(Pair(reference: reference.lease, subject: subject.lease))
            if let index = slots.firstIndex(where: { $0.record.id == reference.record.id }) {
                slots[index].top = max(slots[index].top, reference.lease.version)
            }
        }
        if leases.count > 60 { leases.removeFirst(leases.count - 60) }
    }

    /// Mostly one of the latest tokens, at times an old or a wrong one.
    private func someLease() -> Pair<Lease>? {
        guard !leases.isEmpty else { return nil }
        let latest = leases.suffix(random.chance(80) ? 8 : 60)
        var pair = latest.randomElement(using: &random)!
        if random.chance(6) {
            let off = random.chance(50) ? 1 : -1
            for role in [Role.reference, .subject] {
                pair[role] = pair[role].with(version: pair[role].version + off)
            }
        } else if random.chance(4) {
            for role in [Role.reference, .subject] {
                pair[role] = pair[role].with(epoch: pair[role].epoch + 1000)
            }
        }
        return pair
    }

    private func settle<Answer: Equatable>(
        _ verb: String, _ call: (any Leasing, Lease) async throws -> Answer
    ) async throws {
        guard let pair = someLease() else { return }
        try await both("\(verb) \(pair.reference)") { role in
            try await call(self.queues[role].leasing, pair[role])
        }
    }

    private func extend() async throws {
        guard let pair = someLease() else { return }
        let length = Duration.microseconds(Int64.random(in: 1...8_000_000, using: &random))
        try await both("extend \(pair.reference)") { role in
            try await self.queues[role].leasing.extend([pair[role], pair[role]], by: length).map {
                answer in
                guard case .extended(let lease, let flag) = answer else { return answer }
                return .extended(self.plain(lease, role), cancelRequested: flag)
            }
        }
    }

    private func retry() async throws {
        let runAt = someTime()
        let attempts = Int.random(in: 0...4, using: &random)
        let error = "error \(Int.random(in: 0..<9, using: &random))"
        let failedAt = random.chance(50) ? now : nil
        try await settle("retry") { queue, lease in
            let retry = Settlement.retry(
                lease, runAt: runAt, attempts: attempts, error: error, failedAt: failedAt)
            return try await queue.settle([retry, retry])
        }
    }

    private func fail() async throws {
        let attempts = Int.random(in: 0...4, using: &random)
        let error = random.chance(10) ? "" : "error \(Int.random(in: 0..<9, using: &random))"
        try await settle("fail") { queue, lease in
            try await queue.settle([.fail(lease, attempts: attempts, error: error)])
        }
    }

    private func release() async throws {
        let runAt = someTime()
        try await settle("release") { queue, lease in
            try await queue.settle([.release(lease, runAt: runAt)])
        }
    }

    /// Leases of several, ended in several ways by one call.
    private func mixed() async throws {
        let pairs = (0..<3).compactMap { _ in someLease() }
        let kinds = pairs.map { _ in Int.random(in: 0..<4, using: &random) }
        let runAt = someTime()
        try await both("settle \(zip(pairs, kinds).map { "\($0.reference) \($1)" })") { role in
            try await self.queues[role].leasing.settle(
                zip(pairs, kinds).map { pair, kind in
                    switch kind {
                    case 0: .ack(pair[role], result: [9])
                    case 1: .retry(pair[role], runAt: runAt, attempts: 1, error: "mixed")
                    case 2: .fail(pair[role], attempts: 1, error: "mixed")
                    default: .release(pair[role], runAt: runAt)
                    }
                })
        }
    }

    // MARK: - The rest

    private func cancel() async throws {
        if random.chance(30) { return try await cancelWaiting() }
        let slot = slots.randomElement(using: &random)!
        let version = random.chance(40) ? Int.random(in: 1...slot.top + 1, using: &random) : nil
        let age = random.chance(15) ? Limits.issued + .microseconds(1) : .zero
        try await both("cancel \(slot.record.id) \(version.map { "v\($0)" } ?? "")") { role in
            let issued = try await self.issued(role, age: age, isForeign: false)
            let tombstone = version.map { (version: $0, issued: issued) }
            let answer = try await self.queues[role].control.cancel(
                slot.record.id, tombstone: tombstone)
            guard case .cancelled(let version, let epoch) = answer else { return answer }
            return .cancelled(version: version, epoch: self.ordinal(epoch, role))
        }
    }

    /// Some at once, the same one twice among them.
    private func cancelWaiting() async throws {
        let some = (0..<3).compactMap { _ in slots.randomElement(using: &random) }
        let versions = random.chance(40) ? [some[0].record.id: some[0].top] : [:]
        let ids = some.map(\.record.id)
        try await both("cancel of what waits \(ids) \(versions)") { role in
            let issued = try await self.issued(role, age: .zero, isForeign: false)
            let answers = try await self.queues[role].control.cancelWaiting(
                ids, tombstones: versions, issued: issued)
            return answers.map { answer -> CancelWaitingAnswer in
                guard case .cancelled(let version, let epoch) = answer else { return answer }
                return .cancelled(version: version, epoch: self.ordinal(epoch, role))
            }
        }
    }

    private func change() async throws {
        let index = Int.random(in: slots.indices, using: &random)
        let id = slots[index].record.id
        let runAt = someTime()
        // Where neither is given both refuse it.
        let priority = random.chance(60) ? JobPriority.allCases.randomElement(using: &random) : nil
        let answer = try await both("change \(id) to \(runAt as Any), \(priority as Any)") { role in
            try await self.queues[role].store.changes?.change(id, runAt: runAt, priority: priority)
        }
        if case .changed(_, let version)?? = answer { slots[index].top = max(slots[index].top, version) }
    }

    private func sweep(_ verb: String, _ call: (any QueueControl, Int) async throws -> Int) async throws {
        let limit = Int.random(in: 0...4, using: &random)
        try await both("\(verb) \(limit)") { role in try await call(self.queues[role].control, limit) }
    }

    private func pause() async throws {
        let queue = names.randomElement(using: &random)!
        let isPaused = random.chance(25)
        if step.isMultiple(of: 3), queues.subject.store.types != nil {
            try await both("pause of a type \(isPaused)") { role in
                try await self.queues[role].store.types?.pauseType(Self.otherType, isPaused)
                return true
            }
            return
        }
        try await both("pause \(queue) \(isPaused)") { role in
            try await self.queues[role].control.pause(queue, isPaused)
            return true
        }
    }

    private func repair() async throws {
        let index = Int.random(in: slots.indices, using: &random)
        let id = slots[index].record.id
        let view = try await queues.reference.inspection.inspect([id])
        let expected: QueueRepair.Expected
        if random.chance(20) {
            expected = random.chance(50) ? .absent : .held(.pending, version: slots[index].top)
        } else if let job = view.held[id] {
            expected = .held(job.status, version: job.version)
        } else if let end = view.ended[id] {
            expected = .ended(end.status, version: end.version)
        } else {
            expected = .absent
        }
        let action: QueueRepair.Action
        let version = slots[index].top + 1
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            action = .push(
                Push(
                    slots[index].record, version: version, runAt: random.chance(30) ? farAhead : nil,
                    attempts: 0))
        case 1: action = .end(random.chance(50) ? .completed : .failed, version: version)
        default: action = .logEnd
        }
        slots[index].top = version
        let isStale = random.chance(10)
        try await both("repair \(id): \(expected) to \(action)") { role in
            let epoch = try await self.queues[role].transitions.history().epoch + (isStale ? 1 : 0)
            return try await self.queues[role].repair.repair(
                QueueRepair(id: id, epoch: epoch, expected: expected, action: action, code: "D00"))
        }
    }

    private func invalid() async throws {
        let queue = names[0]
        try await both("reserve for no time") { role in
            try await self.queues[role].leasing.reserve(
                ReserveWish([queue], limit: 1, lease: .zero, worker: WorkerID("model"))
            ).jobs.count
        }
        var record = slots[0].record
        record.maxCrashes = 0
        let bad = record
        try await both("push of a bad record") { role in
            try await self.queues[role].enqueueing.push([Push(bad)], issued: nil)
        }
    }
}
