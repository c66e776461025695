import Foundation
import TallyServers

extension PrivateServers {
    /// Past every check, for counting.
    var admin: AdminRedis { AdminRedis(port: state.redisPort, password: state.redisPassword) }

    /// Starts a program that works on a namespace of these servers, and answers its process id.
    ///
    /// - Parameter log: the file below their folder that takes what it prints.
    func start(_ words: [String], namespace: String, log: String) throws -> Int32 {
        var all = ProcessInfo.processInfo.environment
        all["TALLY_REDIS_URL"] = redisURL
        all["TALLY_POSTGRES_URL"] = postgresURL
        all["TALLY_NAMESPACE"] = namespace
        return try ChildProcess.start(
            words, environment: all.map { "\($0.key)=\($0.value)" }, output: "\(folder)/\(log)")
    }
}
