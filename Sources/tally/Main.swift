import TallyCommandLine

@main
enum Main {
    static func main() async {
        await Program(
            "tally", "background jobs on Redis and Postgres",
            [
                DevCommand.self, MigrateCommand.self, EnqueueCommand.self, WorkerCommand.self,
                ServeCommand.self, InspectCommand.self, ExplainCommand.self, ListCommand.self,
                StatsCommand.self, DoctorCommand.self, DeadLetterCommand.self, CancelCommand.self,
                PauseCommand.self,
                ResumeCommand.self,
                QueueCommand.self, WorkersCommand.self, ReconcileCommand.self, PartitionsCommand.self,
            ],
            elsewhere: ("tally-lab", ["demo", "drill", "bench", "simulate", "conformance"])
        ).main()
    }
}
