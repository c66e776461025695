import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `A wish to replay` {
    private func job(
        _ status: JobStatus, hasBody: Bool = true, isEffectCommitted: Bool = false, isReplayed: Bool = false
    ) -> ReplayCandidate {
        ReplayCandidate(
            id: JobID(), status: status, version: 2, queue: "q", type: "t", hasBody: hasBody,
            isEffectCommitted: isEffectCommitted, isReplayed: isReplayed)
    }

    @Test func `leaves what has not ended, whatever is asked for`() {
        for isAgain in [false, true] {
            var wish = ReplayWish("true", actor: "test")
            wish.isAgain = isAgain
            for status in JobStatus.allCases where !status.isTerminal {
                #expect(wish.refusal(of: job(status)) == "not_ended")
            }
            #expect(wish.refusal(of: job(.completed, hasBody: false)) == "body_not_kept")
        }
    }

    @Test func `leaves what has done its work unless it is asked for`() {
        var wish = ReplayWish("true", actor: "test")
        let done = [
            (job(.completed), "completed"), (job(.failed, isEffectCommitted: true), "effect_committed"),
            (job(.failed, isReplayed: true), "replayed_before"),
            (job(.cancelled, isReplayed: true), "replayed_before"),
        ]

        for (job, why) in done { #expect(wish.refusal(of: job) == why) }
        #expect(wish.refusal(of: job(.failed)) == nil && wish.refusal(of: job(.cancelled)) == nil)
        wish.isAgain = true
        for (job, _) in done { #expect(wish.refusal(of: job) == nil) }
    }

    @Test func `gives what is refused no place among its limit, and room again to what was left later`() {
        let wish = ReplayWish("true", actor: "test")
        let jobs = [
            job(.failed, isReplayed: true), job(.completed), job(.failed), job(.failed), job(.failed),
        ]
        var (course, rest) = (BulkCourse(isDry: false, before: 0), jobs[...])
        func take(_ most: Int) -> [ReplayCandidate] {
            course.take(&rest, most: most, limit: 2, refuse: wish.refusal(of:))
        }

        #expect(take(1) == [jobs[2]] && course.matched == 3 && course.ready == 1)
        #expect(take(9) == [jobs[3]] && !course.isCut && rest.count == 1)
        #expect(take(9) == [] && course.isCut && rest.count == 1)
        #expect(course.refused == ["replayed_before": 1, "completed": 1])
    }

    @Test func `is reported by status, with what was left and why`() {
        var course = BulkCourse<[JobStatus: Int]>(isDry: false, before: [.failed: 2])
        course.after = [.failed: 2, .pending: 1]
        course.note(1, BulkOutcome(refusals: [JobID(): "moved_on"]))
        let fields = ReplayReport(course: course).json

        #expect(fields["before"] as? [String: Int] == ["failed": 2])
        #expect(fields["after"] as? [String: Int] == ["failed": 2, "pending": 1])
        #expect(fields["refused"] as? [String: Int] == ["moved_on": 1])
        #expect(fields["dry_run"] as? Bool == false && fields["more"] as? Bool == false)
    }
}
