import Testing

@testable import TallyCore

@Suite struct `A policy of equal waits` {
    @Test func `waits the same after every failure, spread by its jitter [G1]`() {
        let policy = FixedDelay(.seconds(30), jitter: 0.1)

        for attempt in [1, 2, 10_000, Int.max] {
            #expect(policy.delay(afterFailure: attempt, random: 0.5) == .seconds(30))
            #expect(policy.delay(afterFailure: attempt, random: 0) == .seconds(27))
            #expect(policy.delay(afterFailure: attempt, random: 1) == .seconds(33))
        }
        #expect(FixedDelay(.seconds(30)).delay(afterFailure: 4, random: 0) == .seconds(30))
    }

    @Test func `brings values out of range into it [G4]`() {
        let low = FixedDelay(.seconds(-1), jitter: .nan, maxAttempts: -1)
        let high = FixedDelay(.seconds(Int64.max), jitter: 9)

        #expect(low.wait == .zero && low.jitter == 0 && low.maxAttempts == 0)
        #expect(high.wait == Limits.farthestRunAt && high.jitter == 1)
        #expect(high.delay(afterFailure: 1, random: 1) == Limits.farthestRunAt * 2)
    }
}

@Suite struct `A list of waits` {
    @Test func `gives one after another, and then the last again and again [G1]`() {
        let policy = DelayList([.seconds(1), .seconds(10), .seconds(60)])

        let delays = [1, 2, 3, 4, 10_000, Int.max].map { policy.delay(afterFailure: $0, random: 0.5) }

        #expect(delays == [1, 10, 60, 60, 60, 60].map { .seconds($0) })
        #expect(policy.maxAttempts == 4 && DelayList([.seconds(1)], maxAttempts: 9).maxAttempts == 9)
    }

    @Test func `has bounds [G4]`() {
        let long = DelayList((0...Limits.retryDelays).map { .seconds($0) })
        let odd = DelayList([.seconds(-5), .seconds(Int64.max)])

        #expect(long.delays.count == Limits.retryDelays)
        #expect(odd.delays == [.zero, Limits.farthestRunAt])
        #expect(DelayList([]).delay(afterFailure: 3, random: 0.5) == .zero && DelayList([]).maxAttempts == 1)
    }
}

@Suite struct `A policy of phases` {
    @Test func `has the second phase's waits after the first's, counted from 1 again [G6]`() {
        let policy = RetryPhases(
            FixedDelay(.seconds(1)), failures: 3,
            then: ExponentialBackoff(base: .seconds(60), cap: .seconds(600), jitter: 0, maxAttempts: 5))

        let delays = (1...8).map { policy.delay(afterFailure: $0, random: 0.5) }

        #expect(delays == [1, 1, 1, 60, 120, 240, 480, 600].map { .seconds($0) })
        #expect(policy.maxAttempts == 8)
    }

    @Test func `may hold phases again [G6]`() {
        let last = RetryPhases(FixedDelay(.seconds(2)), failures: 1, then: FixedDelay(.seconds(3)))
        let policy = RetryPhases(FixedDelay(.seconds(1)), failures: 2, then: last)

        let delays = (1...5).map { policy.delay(afterFailure: $0, random: 0) }

        #expect(delays == [1, 1, 2, 3, 3].map { .seconds($0) })
    }

    @Test func `takes the shorter time of both for all of its attempts [G6]`() {
        let short = FixedDelay(.seconds(1)).limited(total: .seconds(10))
        let long = FixedDelay(.seconds(1)).limited(total: .seconds(99))

        #expect(RetryPhases(short, failures: 2, then: long).maxTotal == .seconds(10))
        #expect(RetryPhases(long, failures: 2, then: short).maxTotal == .seconds(10))
        #expect(RetryPhases(FixedDelay(.zero), failures: 2, then: long).maxTotal == .seconds(99))
        #expect(RetryPhases(FixedDelay(.zero), failures: 2, then: FixedDelay(.zero)).maxTotal == nil)
    }

    @Test(arguments: [Int.min, -1, 0, 1, 10_000, Int.max])
    func `overflows at no number of failures and of attempts [G4]`(_ number: Int) {
        let most = FixedDelay(.seconds(2), maxAttempts: .max)
        let policy = RetryPhases(most, failures: number, then: most)

        #expect(policy.failures >= 0 && policy.failures <= Limits.maxAttemptsBound)
        #expect(policy.maxAttempts >= 0 && policy.maxAttempts <= 2 * Limits.maxAttemptsBound)
        for attempt in [Int.min, 0, 1, 10_000, Int.max] {
            #expect(policy.delay(afterFailure: attempt, random: 0.5) == (attempt > 0 ? .seconds(2) : .zero))
        }
    }
}

@Suite struct `A limit on all attempts together` {
    private let policy = FixedDelay(.seconds(10), maxAttempts: 100).limited(total: .seconds(60))

    private func decision(after elapsed: Duration, delay: Duration? = nil) -> FailureDecision {
        policy.decide(
            attempts: 2, jobMax: 0, isFinal: false, elapsed: elapsed, delay: delay, random: 0.5)
    }

    @Test func `lets no attempt begin after it [G6]`() {
        #expect(decision(after: .zero) == .retry(after: .seconds(10)))
        #expect(decision(after: .seconds(50)) == .retry(after: .seconds(10)))
        #expect(decision(after: .seconds(50) + .microseconds(1)) == .fail)
        #expect(decision(after: .seconds(3600)) == .fail)
    }

    @Test func `counts a wait that another gave as well [G6]`() {
        #expect(decision(after: .seconds(50), delay: .seconds(9)) == .retry(after: .seconds(9)))
        #expect(decision(after: .seconds(50), delay: .seconds(11)) == .fail)
        #expect(decision(after: .zero, delay: .seconds(61)) == .fail)
    }

    @Test func `overflows at no time [G4]`() {
        for elapsed in [Duration.seconds(Int64.min / 2), .seconds(Int64.max)] {
            for delay in [Duration.seconds(Int64.min / 2), .seconds(Int64.max)] {
                let expected: FailureDecision =
                    elapsed > .zero || delay > .zero ? .fail : .retry(after: .zero)
                #expect(decision(after: elapsed, delay: delay) == expected)
            }
        }
        #expect(
            FixedDelay(.zero).limited(total: .seconds(-1)).decide(
                attempts: 1, jobMax: 0, isFinal: false, random: 0) == .retry(after: .zero))
    }

    @Test func `is the only thing that is changed beside the attempts [G6]`() {
        let list: any RetryPolicy = .delays([.seconds(1), .seconds(2)], maxAttempts: 7)
        let limited = list.limited(total: .seconds(60))

        #expect(limited.maxAttempts == 7 && list.limited(attempts: 2).maxAttempts == 2)
        #expect(limited.delay(afterFailure: 2, random: 0) == .seconds(2))
        #expect(limited.limited(total: .seconds(99)).maxTotal == .seconds(60))
        #expect(limited.limited(attempts: -1).maxAttempts == 0 && list.maxTotal == nil)
    }
}
