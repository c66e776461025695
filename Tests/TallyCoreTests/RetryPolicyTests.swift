import Testing

@testable import TallyCore

@Suite struct `Exponential backoff` {
    @Test func `doubles from its base to its cap [G1]`() {
        let policy = ExponentialBackoff(base: .seconds(1), cap: .seconds(10), multiplier: 2, jitter: 0)

        #expect(
            (1...6).map { policy.delay(afterFailure: $0, random: 0.5) }
                == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
    }

    @Test func `takes any multiplier from 1 on [G1]`() {
        let flat = ExponentialBackoff(base: .seconds(3), multiplier: 1, jitter: 0)
        let steep = ExponentialBackoff(base: .seconds(3), cap: .seconds(1000), multiplier: 10, jitter: 0)

        #expect(flat.delay(afterFailure: 9, random: 0) == .seconds(3))
        #expect(steep.delay(afterFailure: 3, random: 0) == .seconds(300))
    }

    @Test func `spreads by its jitter and no further [G1]`() {
        let policy = ExponentialBackoff(base: .seconds(10), cap: .seconds(100), jitter: 0.2)

        #expect(policy.delay(afterFailure: 1, random: 0) == .seconds(8))
        #expect(policy.delay(afterFailure: 1, random: 0.5) == .seconds(10))
        #expect(policy.delay(afterFailure: 1, random: 1) == .seconds(12))
        for step in 0...100 {
            let delay = policy.delay(afterFailure: 2, random: Double(step) / 100)
            #expect(delay >= .seconds(16) && delay <= .seconds(24))
        }
    }

    @Test func `is the same for the same random number [G1]`() {
        let policy = ExponentialBackoff()

        #expect(policy.delay(afterFailure: 4, random: 0.25) == policy.delay(afterFailure: 4, random: 0.25))
        #expect(policy.delay(afterFailure: 4, random: 0.25) != policy.delay(afterFailure: 4, random: 0.75))
    }

    @Test func `never falls from one attempt to the next [G1]`() {
        let policy = ExponentialBackoff(jitter: 0)
        let delays = (1...60).map { policy.delay(afterFailure: $0, random: 0) }

        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(delays.first == Limits.backoffBase && delays.last == Limits.backoffCap)
    }

    @Test func `lies within its cap at attempts 1 to 10,000, however steep [G4]`() {
        let policies = [
            ExponentialBackoff(), ExponentialBackoff(multiplier: 1e300, jitter: 1),
            ExponentialBackoff(base: .seconds(Int64.max), cap: .seconds(Int64.max)),
            ExponentialBackoff(base: .microseconds(1), multiplier: 1.000_001),
        ]
        for policy in policies {
            for attempt in 1...10_000 where attempt < 100 || attempt % 97 == 0 {
                for random in [0, 0.5, 1] as [Double] {
                    let delay = policy.delay(afterFailure: attempt, random: random)
                    #expect(delay >= .zero && delay <= policy.cap)
                }
            }
        }
    }

    @Test(arguments: [Int.min, -1, 0]) func `waits for nothing before the first failure [G4]`(_ attempt: Int)
    {
        #expect(ExponentialBackoff().delay(afterFailure: attempt, random: 0.5) == .zero)
    }

    @Test func `brings values out of range into it [G1]`() {
        let low = ExponentialBackoff(
            base: .seconds(-1), cap: .seconds(-2), multiplier: 0.1, jitter: -3, maxAttempts: -4)
        let odd = ExponentialBackoff(base: .seconds(9), cap: .seconds(1), multiplier: .nan, jitter: .infinity)

        #expect(
            low.base == .zero && low.cap == .zero && low.multiplier == 1 && low.jitter == 0
                && low.maxAttempts == 0)
        #expect(odd.cap == .seconds(9) && odd.multiplier == 1 && odd.jitter == 0)
        #expect(ExponentialBackoff(jitter: 7).jitter == 1)
        #expect(odd.delay(afterFailure: 3, random: .nan) <= odd.cap)
    }

    @Test func `has the documented defaults [G2]`() {
        let policy = ExponentialBackoff()

        #expect(policy.base == .seconds(5) && policy.cap == .seconds(300) && policy.multiplier == 2)
        #expect(policy.jitter == 0.2 && policy.maxAttempts == 3)
    }
}

@Suite struct `The decision after a failure` {
    /// Runs before the job is failed, when each fails.
    private func runs(job: Int, policy: Int) -> Int {
        let policy = ExponentialBackoff(maxAttempts: policy)
        var attempts = 0
        while attempts < 100 {
            attempts += 1
            if policy.decide(attempts: attempts, jobMax: job, isFinal: false, random: 0.5) == .fail {
                return attempts
            }
        }
        return attempts
    }

    @Test(arguments: [0, 1, 2, 3, 10], [0, 1, 2, 3, 10])
    func `lets the smaller of job and policy rule, 0 on the job leaving it to the policy [G2]`(
        _ job: Int, _ policy: Int
    ) {
        let expected = policy == 0 ? 1 : job == 0 ? policy : min(job, policy)

        #expect(runs(job: job, policy: policy) == expected)
    }

    @Test func `fails at once when the policy allows nothing [G3]`() {
        #expect(runs(job: 10, policy: 0) == 1)
        #expect(runs(job: 0, policy: 0) == 1)
    }

    @Test func `fails at once for a final error`() {
        #expect(ExponentialBackoff().decide(attempts: 1, jobMax: 9, isFinal: true, random: 0) == .fail)
    }

    @Test func `waits as long as the policy says`() {
        let policy = ExponentialBackoff(base: .seconds(1), jitter: 0, maxAttempts: 5)

        #expect(
            policy.decide(attempts: 2, jobMax: 0, isFinal: false, random: 0) == .retry(after: .seconds(2)))
    }
}
