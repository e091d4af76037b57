// SPDX-License-Identifier: GPL-2.0-only
/*
 * One interrupt a queue, of an irq_chip of our own: real lines in /proc/interrupts, an smp_affinity that is obeyed, and
 * coalescing that delays. It is raised on the CPU that the affinity names, by an inter-processor interrupt.
 */
#include "labnic.h"

#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/version.h>

/* Bits of a queue's state. */
enum { ARMED, TIMER_RUNS };

static int labnic_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct labnic_queue *queue = irq_data_get_irq_chip_data(data);
	unsigned int cpu = cpumask_first_and(mask, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	WRITE_ONCE(queue->cpu, cpu);
	irq_data_update_effective_affinity(data, cpumask_of(cpu));
	return IRQ_SET_MASK_OK;
}

static void labnic_irq_nothing(struct irq_data *data)
{
}

static struct irq_chip labnic_chip = {
	.name = "labnic", .irq_set_affinity = labnic_set_affinity,
	.irq_mask = labnic_irq_nothing, .irq_unmask = labnic_irq_nothing,
};

static int labnic_irq_map(struct irq_domain *domain, unsigned int irq, irq_hw_number_t number)
{
	irq_set_chip_and_handler(irq, &labnic_chip, handle_simple_irq);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	/* Else smp_affinity is accepted and takes effect at the next interrupt only, if ever; later kernels need no flag. */
	irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
#endif
	return 0;
}

static const struct irq_domain_ops labnic_domain_ops = { .map = labnic_irq_map };

struct irq_domain *labnic_irq_domain(unsigned int interrupts)
{
	return irq_domain_create_linear(NULL, interrupts, &labnic_domain_ops, NULL);
}

static irqreturn_t labnic_isr(int irq, void *argument)
{
	struct labnic_queue *queue = argument;

	queue->count[CH_EVENTS]++;
	napi_schedule_irqoff(&queue->napi);
	return IRQ_HANDLED;
}

static void labnic_irq_work(struct irq_work *work)
{
	generic_handle_irq(container_of(work, struct labnic_queue, work)->irq);
}

static void labnic_irq_csd(void *queue)
{
	generic_handle_irq(((struct labnic_queue *)queue)->irq);
}

static void labnic_irq_raise(struct labnic_queue *queue)
{
	unsigned int cpu = READ_ONCE(queue->cpu);

	if (!test_and_clear_bit(ARMED, &queue->state))
		return;
	atomic_set(&queue->pending, 0);
	/* irq_work_queue_on() is not for modules. */
	if (cpu == raw_smp_processor_id() || smp_call_function_single_async(cpu, &queue->csd))
		irq_work_queue(&queue->work);
}

static enum hrtimer_restart labnic_irq_timer(struct hrtimer *timer)
{
	struct labnic_queue *queue = container_of(timer, struct labnic_queue, timer);

	clear_bit(TIMER_RUNS, &queue->state);
	smp_mb__after_atomic();
	labnic_irq_raise(queue);
	return HRTIMER_NORESTART;
}

/* A frame was put into the ring: the interrupt comes now, after rx-usecs, or with frame number rx-frames. */
void labnic_irq_kick(struct labnic_queue *queue)
{
	u32 usecs = READ_ONCE(queue->coalesce.rx.usecs), frames = READ_ONCE(queue->coalesce.rx.frames);

	smp_mb();	/* the frame before the look at ARMED; pairs with labnic_irq_arm() */
	if (!test_bit(ARMED, &queue->state))
		return;
	if (!usecs || atomic_inc_return(&queue->pending) >= (int)frames)
		labnic_irq_raise(queue);
	else if (!test_and_set_bit(TIMER_RUNS, &queue->state))
		hrtimer_start(&queue->timer, ns_to_ktime(usecs * 1000ull), HRTIMER_MODE_REL);
}

/* NAPI is done: the next frame may interrupt. A frame that came before this must not be forgotten. */
void labnic_irq_arm(struct labnic_queue *queue)
{
	set_bit(ARMED, &queue->state);
	smp_mb__after_atomic();
	if (!__ptr_ring_empty(&queue->ring))
		labnic_irq_kick(queue);
}

/* No frame comes any more, and NAPI is disabled: waits for whatever may still be on its way to raise the interrupt. */
void labnic_irq_quiesce(struct labnic_queue *queue)
{
	hrtimer_cancel(&queue->timer);
	kick_all_cpus_sync();	/* the csd */
	irq_work_sync(&queue->work);
	synchronize_irq(queue->irq);
	queue->state = 0;
}

int labnic_irq_request(struct labnic_queue *queue, struct irq_domain *domain, unsigned int number, unsigned int cpu)
{
	int err;

	init_irq_work(&queue->work, labnic_irq_work);
	INIT_CSD(&queue->csd, labnic_irq_csd, queue);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(&queue->timer, labnic_irq_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
#else
	hrtimer_init(&queue->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	queue->timer.function = labnic_irq_timer;
#endif
	queue->irq = irq_create_mapping(domain, number);
	if (!queue->irq)
		return -ENOSPC;
	irq_set_chip_data(queue->irq, queue);
	err = request_irq(queue->irq, labnic_isr, IRQF_NO_THREAD, queue->irq_name, queue);
	if (err) {
		irq_dispose_mapping(queue->irq);
		queue->irq = 0;
		return err;
	}
	irq_set_affinity_and_hint(queue->irq, cpumask_of(cpu));
	return 0;
}

void labnic_irq_free(struct labnic_queue *queue)
{
	if (!queue->irq)
		return;
	irq_update_affinity_hint(queue->irq, NULL);
	free_irq(queue->irq, queue);
	irq_dispose_mapping(queue->irq);
}
