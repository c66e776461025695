import TallyAdmin
import Tallystick

extension Tally {
    /// What an operator may ask of it and do to it.
    var admin: Admin { Admin(queue: queue, ledger: ledger) }
}
