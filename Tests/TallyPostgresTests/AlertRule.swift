import Foundation
import Testing

/// A rule of `dashboards/alerts.json`, as far as a ledger has to do with it.
struct AlertRule: Sendable {
    let uid: String
    let sql: String
    /// It fires above this.
    let threshold: Int

    static func all() throws -> [AlertRule] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "dashboards/alerts.json"))
        let file = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let groups = try #require(file["groups"] as? [[String: Any]])
        var rules: [AlertRule] = []
        for group in groups {
            for rule in try #require(group["rules"] as? [[String: Any]]) { rules.append(try AlertRule(rule)) }
        }
        return rules
    }

    private init(_ rule: [String: Any]) throws {
        let uid = try #require(rule["uid"] as? String)
        let steps = try #require(rule["data"] as? [[String: Any]], "\(uid)")
        let query = try #require(steps.first?["model"] as? [String: Any], "\(uid)")
        let test = try #require(steps.last?["model"] as? [String: Any], "\(uid)")
        let conditions = try #require(test["conditions"] as? [[String: Any]], "\(uid)")
        let evaluator = try #require(conditions.first?["evaluator"] as? [String: Any], "\(uid)")
        let kind = try #require(evaluator["type"] as? String, "\(uid)")
        #expect(kind == "gt", "\(uid)")
        self.uid = uid
        sql = try #require(query["rawSql"] as? String, "\(uid)")
        threshold = try #require((evaluator["params"] as? [Any])?.first as? Int, "\(uid)")
    }
}
