import TallyCore

/// How long an idle worker waits for a wake token before it asks again. Pure: randomness is passed in.
///
/// A token comes with every job that becomes runnable, so asking is only for what falls due: due times and lapsed
/// leases, which move when somebody asks. One of a fleet is enough for that. So all idle workers together ask
/// `Limits.idleAsks` times a second, however many they are, each at a time of its own: alone a worker asks on the
/// moment, of a thousand one does within milliseconds of it.
enum IdlePause {
    /// - Parameter random: uniform in 0..<1.
    static func after(_ reservation: Reservation, random: Double) -> Duration {
        let share =
            Duration.seconds(1) * (Double(reservation.workers) / Double(Limits.idleAsks)) * (0.5 + random)
        // Soon, since nothing tells when the epoch opens.
        if reservation.isHeld { return max(Limits.idleHeld, share) }
        let longest = max(Limits.idleWait * (0.8 + 0.2 * random), share)
        guard let next = reservation.nextEvent else { return longest }
        let untilThen = next - reservation.now + Limits.idleAfterDue
        return min(longest, max(Limits.idleLeast, untilThen, share))
    }
}
