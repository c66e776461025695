import Tallystick
import TallyTesting

/// The waves of a seed: several faults at once, a pause, the next. The same seed and mode give the same waves.
struct Schedule {
    struct Wave: Sendable {
        var number: Int
        /// After the run's begin, at the earliest: a wave also waits until the one before it has healed.
        var at: Duration
        var faults: [Fault]
    }

    private let plan: DrillPlan
    private let kinds: [FaultKind]
    private var random: SplitMix64
    private var deck: [FaultKind] = []
    private var number = 0
    private var next: Duration = .seconds(3)

    init(_ plan: DrillPlan) {
        self.plan = plan
        kinds = FaultKind.allowed(plan)
        random = SplitMix64(seed: plan.seed)
    }

    /// Kinds come from a shuffled deck, so that each has its turn; what does not fit beside the others goes back.
    mutating func wave() -> Wave {
        let size = plan.isPowerCut ? 1 : 3 + Int(random.next() % 4)
        var faults: [Fault] = []
        var claimed: Set<String> = []
        var put: [FaultKind] = []
        while faults.count < size {
            if deck.isEmpty {
                if !put.isEmpty { break }
                deck = kinds.flatMap { Array(repeating: $0, count: $0.weight) }.shuffled(using: &random)
            }
            let kind = deck.removeLast()
            guard var fault = kind.draw(&random, plan) else { continue }
            let isAlone = fault.claims.contains("everything")
            if isAlone && !faults.isEmpty || !claimed.isDisjoint(with: fault.claims) {
                put.append(kind)
                if put.count > 5 { break }
                continue
            }
            fault.kind = kind.name
            fault.offset = random.milliseconds(0...300)
            claimed.formUnion(fault.claims)
            faults.append(fault)
            if isAlone { break }
        }
        deck.append(contentsOf: put.reversed())
        number += 1
        let longest = faults.map { $0.offset + $0.length }.max() ?? .zero
        let wave = Wave(number: number, at: next, faults: faults)
        next += longest + random.milliseconds(300...900)
        return wave
    }
}
