import TallyCommandLine

/// What `tally-lab` runs. Whatever starts processes of the operator's command finds it beside the lab's own.
package enum Lab {
    package static let commands: [any Command.Type] = [
        DemoCommand.self, DrillCommand.self, BenchCommand.self, SimulateCommand.self, ConformanceCommand.self,
        DemoWorkerCommand.self,
    ]
}
