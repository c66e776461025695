/// Which of a store's next calls meet which fault, and how many calls there were. Pure.
struct FaultPlan<Call: Hashable & Sendable, Fault: Sendable>: Sendable {
    /// Of each kind of call, what the next ones meet; nil = they go through.
    private var ahead: [Call: [Fault?]] = [:]
    private var counts: [Call: Int] = [:]

    func count(of call: Call) -> Int { counts[call, default: 0] }

    /// From the `nth` call that follows on, the next `times` that meet no other fault meet this one.
    mutating func add(_ fault: Fault, on call: Call, from nth: Int, times: Int) {
        var faults = ahead[call] ?? []
        var place = max(1, nth) - 1
        for _ in 0..<max(0, times) {
            while faults.count <= place { faults.append(nil) }
            while faults[place] != nil {
                place += 1
                if place == faults.count { faults.append(nil) }
            }
            faults[place] = fault
        }
        ahead[call] = faults
    }

    /// Counts one call that meets no fault of the plan.
    mutating func count(_ call: Call) { counts[call, default: 0] += 1 }

    /// Counts one call and answers what it meets.
    mutating func next(_ call: Call) -> Fault? {
        count(call)
        guard ahead[call]?.isEmpty == false else { return nil }
        return ahead[call]?.removeFirst()
    }
}
