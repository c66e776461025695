import TallyCommandLine
import TallyLab

@main
enum Main {
    static func main() async {
        await Program(
            "tally-lab", "what shows that tally keeps its promises, and how fast",
            Lab.commands,
            elsewhere: (
                "tally",
                [
                    "dev", "migrate", "enqueue", "worker", "serve", "inspect", "explain", "watch", "list",
                    "stats", "dash", "doctor", "settings", "dlq", "replay", "cancel", "change", "pause",
                    "resume", "queue", "workers", "reconcile", "partitions", "completion", "manual",
                ]
            )
        ).main()
    }
}
