import Tallystick
import TallyTesting

/// F08 to F12: what a network does to one link. Effective when the link's own counts say that something was done to a
/// connection.
extension FaultKind {
    static let links: [FaultKind] = [
        linkBlackhole, linkBlackholeUp, linkBlackholeDown, linkDropReply, linkTruncateReply, linkCorruptReply,
        linkCutRequest, linkCutReply, linkDelay, linkRate, linkReset, linkHalfOpen, linkHalfClose, linkRefuse,
    ]

    private static let linkBlackhole = link("link-blackhole", "F08", 800...2500) { _ in
        .blackhole(up: true, down: true)
    }

    private static let linkBlackholeUp = link("link-blackhole-up", "F08 F09", 800...2500) { _ in
        .blackhole(up: true, down: false)
    }

    private static let linkBlackholeDown = link("link-blackhole-down", "F08 F09", 800...2500) { _ in
        .blackhole(up: false, down: true)
    }

    private static let linkDropReply = link("link-drop-reply", "F09", 300...1200, weight: 3) { _ in
        .dropNextReply
    }

    private static let linkTruncateReply = link("link-truncate-reply", "F10", 300...1200) { _ in .truncate }

    private static let linkCorruptReply = link("link-corrupt-reply", "F10", 300...1200) { _ in .corrupt }

    private static let linkCutRequest = link("link-cut-request", "F10", 300...1200) {
        .cutAfter(Int(20 + $0.next() % 20_000), isUp: true)
    }

    private static let linkCutReply = link("link-cut-reply", "F10", 300...1200) {
        .cutAfter(Int(1 + $0.next() % 5000), isUp: false)
    }

    private static let linkDelay = link("link-delay", "F11", 800...2500) {
        let time = Int(20 + $0.next() % 300) * 1000
        return .delay(time, jitter: time / 2)
    }

    private static let linkRate = link("link-rate", "F11", 800...2500) {
        .rate(Int(10_000 + $0.next() % 200_000))
    }

    private static let linkReset = link("link-reset", "F12", 300...1500) { _ in .reset }

    private static let linkHalfOpen = link("link-half-open", "F12", 500...2000) { _ in .halfOpen }

    private static let linkHalfClose = link("link-half-close", "F12", 300...1200) { _ in .halfClose }

    private static let linkRefuse = link("link-refuse", "F12", 500...2000) { _ in .refuse }
    private static func link(
        _ name: String, _ catalogue: String, _ length: ClosedRange<Int>, weight: Int = 2,
        _ mode: @escaping @Sendable (inout SplitMix64) -> LinkMode
    ) -> FaultKind {
        FaultKind(name, catalogue, weight: weight) { random, plan in
            var names = ["producer-redis", "producer-postgres"]
            names += (0..<plan.workers).flatMap { ["worker\($0)-redis", "worker\($0)-redis"] }
            for serve in 0..<plan.serves { names += ["serve\(serve)-redis", "serve\(serve)-postgres"] }
            for shard in 1..<max(1, plan.shards) {
                let roles =
                    ["producer"] + (0..<plan.workers).map { "worker\($0)" }
                    + (0..<plan.serves).map { "serve\($0)" }
                names += roles.map { $0 + DrillStage.linkSuffix(shard) }
            }
            let target = random.pick(names)
            let mode = mode(&random)
            return Fault(target, random.milliseconds(length), claims: ["link \(target)"]) { site, time in
                guard let link = site.stage.links[target] else { return .init(false, "no such link") }
                let before = link.counts
                link.set(mode)
                site.hold(time)
                link.set(.pass)
                let after = link.counts
                let text =
                    "\(mode): cut \(after.cut - before.cut), held \(after.held - before.held), "
                    + "swallowed \(after.swallowed - before.swallowed), garbled \(after.garbled - before.garbled), "
                    + "unanswered \(after.unanswered - before.unanswered)"
                return .init(after.harm > before.harm, text)
            }
        }
    }
}
