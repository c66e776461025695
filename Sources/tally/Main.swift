import TallyCommandLine

@main
enum Main {
    /// Its commands: the one table, out of which help, completion and manual are made.
    static let program = Program(
        "tally", "background jobs on Redis and Postgres",
        [
            DevCommand.self, MigrateCommand.self, EnqueueCommand.self, WorkerCommand.self,
            ServeCommand.self, InspectCommand.self, ExplainCommand.self, WatchCommand.self,
            ListCommand.self, StatsCommand.self, DashCommand.self, DoctorCommand.self, SettingsCommand.self,
            DeadLetterCommand.self, ReplayCommand.self, CancelCommand.self, ChangeCommand.self,
            PauseCommand.self, ResumeCommand.self, QueueCommand.self, WorkersCommand.self,
            ReconcileCommand.self, PartitionsCommand.self, CompletionCommand.self, ManualCommand.self,
        ],
        elsewhere: ("tally-lab", ["demo", "drill", "bench", "simulate", "conformance"]))

    static func main() async { await program.main() }
}
