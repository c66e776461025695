import Glibc
import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum DashCommand: Command {
    static let name = "dash"
    static let summary = "a full-screen page: queues, rates, workers, failures and drift"
    static let help = """
        tally dash
        Reads both halves again and again, and draws on the terminal, as large as that is. It changes nothing.
          q, Control-C      ends it; the terminal is as it was before
          left, right, tab  another panel: queues, workers, failures, drift
          up, down          the rows of a panel; Page Up and Page Down by screens
        \(Watch.help)
        Elsewhere than on a terminal `tally stats --watch` and `tally workers --watch` say the same line by line.
        """
    static let flags = Watch.flags
    static let hasOutput = false
    static let exitCodes = ExitCodes(
        done: "ended by a key or a signal", others: [.init(130, "ended by a second signal")])

    private enum Event: Sendable {
        case screen(Screen.Event)
        case read(DashReport)
        case missed(String)
    }

    static func run(_ arguments: Arguments) async throws {
        let every = try Watch.interval(arguments)
        // A second signal ends it at once where a store hangs, and the terminal is given back all the same.
        let again: @Sendable () -> Void = {
            Screen.giveBack()
            _exit(ExitCodes.interrupted.code)
        }
        try await Signals.cancelling(again: again) {
            let (events, heard) = AsyncStream.makeStream(
                of: Event.self, bufferingPolicy: .bufferingNewest(Limits.screenEvents))
            let screen = try Screen { heard.yield(.screen($0)) }
            defer { screen.close() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let observer = PictureObserver { heard.yield(.missed($0)) }
                    try await Watch.look(arguments, every: every, observer: observer) { tally in
                        let report = try await tally.admin.dash()
                        heard.yield(.read(report))
                        // What was away as this was opened is asked again once it is opened anew.
                        if let away = report.stats.away.first?.away { throw away }
                        if let away = report.ledgerAway { throw away }
                        return false
                    } tell: {
                        heard.yield(.missed("\($0)"))
                    }
                }
                group.addTask { await draw(events, on: screen) }
                _ = try await group.next()
                // At once: to close what is read of may take a while.
                screen.close()
                group.cancelAll()
            }
        }
    }

    /// Puts into the picture what failed: a line on standard error would stand across it.
    private struct PictureObserver: JobObserver {
        let tell: @Sendable (String) -> Void
        func dutyFailed(_ duty: String, _ error: any Error) { tell("\(duty): \(error)") }
    }

    /// Until somebody wants it to end.
    private static func draw(_ events: AsyncStream<Event>, on screen: Screen) async {
        var (old, new): (DashReport?, DashReport?) = (nil, nil)
        var trouble: String?
        var view = DashView()
        func picture() -> DashPicture {
            let size = screen.size
            return DashPicture(
                new, after: old, trouble: trouble, view: view, columns: size.columns, rows: size.rows)
        }
        show(picture(), on: screen)
        for await event in events {
            switch event {
            case .read(let report): (old, new, trouble) = (new, report, nil)
            case .missed(let why): trouble = why
            case .screen(.resized): break
            case .screen(.closed): return
            case .screen(.keys(let keys)):
                for key in keys {
                    if key == .letter(UInt8(ascii: "q")) { return }
                    guard let step = Self.move(key) else { continue }
                    let page = picture().page
                    view.take(step, page: page)
                }
            }
            let drawn = picture()
            view = drawn.view
            show(drawn, on: screen)
        }
    }

    private static func show(_ picture: DashPicture, on screen: Screen) {
        screen.draw(
            picture.lines.map { line in
                switch line.tone {
                case .plain: line.text
                case .worry: Output.coloured(line.text, .yellow)
                case .bad: Output.coloured(line.text, .red)
                }
            })
    }

    private static func move(_ key: Key) -> DashView.Move? {
        switch key {
        case .tab, .right: .next
        case .backTab, .left: .previous
        case .up: .up
        case .down: .down
        case .pageUp: .pageUp
        case .pageDown: .pageDown
        case .letter: nil
        }
    }
}
